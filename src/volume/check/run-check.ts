// `pfs check`: everything a volume keeps against everything else, on one snapshot of the namespace and the segments as
// they are after it, whether or not a daemon is using them (docs/design/0044). Reads only.
import type { HighWaterMark, NativeBlob, NativeModule, SegmentPlace } from '../../addon/native.ts';
import type { Clock } from '../../base/clock.ts';
import { CHECK_FINDINGS_MAX } from '../../base/limits.ts';
import { addressLog, type BlobAddress } from '../../base/units.ts';
import { type Coverage, inspectSegments } from '../../blob/inspect-segments.ts';
import { NamespaceCheck, pathOfInode } from '../../namespace/check/check-namespace.ts';
import type { NamespaceFinding } from '../../namespace/check/context.ts';
import type { RecordSource } from '../../namespace/check/source.ts';
import type { CheckFinding, FindingCode } from './findings.ts';
import { checkJournals } from './journals.ts';

export interface CheckPhase {
  readonly name: string;
  /** What was looked at, in words. */
  readonly checked: string;
  readonly findings: number;
  readonly milliseconds: number;
}

export interface CheckReport {
  /** The commit whose state was checked. */
  readonly commit: bigint;
  readonly phases: readonly CheckPhase[];
  /** At most CHECK_FINDINGS_MAX. */
  readonly findings: readonly CheckFinding[];
  /** All that are not repaired, listed or not. */
  readonly findingCount: number;
  /** What a repair did, in words. */
  readonly repairs: readonly string[];
  /** What is worth knowing and no fault. */
  readonly notes: readonly string[];
}

export interface CheckProgress {
  /** The phase under way. */
  readonly phase: string;
  /** Records, or bytes of segments, that it has looked at. */
  readonly done: number;
  readonly findingCount: number;
}

/** A phase that somebody else adds: what it looked at, in words. */
export interface AddedPhase {
  readonly name: string;
  run(report: (finding: Pick<CheckFinding, 'path' | 'detail'> & { readonly code: FindingCode }) => void): string;
}

export interface CheckOptions {
  readonly source: RecordSource;
  readonly stateDirectory: string;
  readonly blobDirectory: string;
  readonly native: Pick<NativeModule, 'inspectSegment' | 'crc32c'>;
  readonly identity: Pick<SegmentPlace, 'volumeId' | 'identityKey' | 'chunker'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly verifyData: boolean;
  /** The blob of a volume in use, whose index is checked too; without one nobody uses the volume. */
  readonly blob?: NativeBlob;
  readonly addedPhases: readonly AddedPhase[];
  readonly onProgress: (progress: CheckProgress) => void;
}

/** A report, and what a repair needs to know. */
export interface CheckOutcome {
  readonly report: CheckReport;
  readonly findings: readonly RawFinding[];
  readonly uncounted: bigint;
}

export function runCheck(options: CheckOptions): Promise<CheckOutcome> {
  return new Run(options).run();
}

export interface RawFinding extends Omit<NamespaceFinding, 'code'> {
  readonly code: FindingCode;
  /** A file of the state directory. */
  readonly path?: string;
}

class Run {
  readonly #options: CheckOptions;
  readonly #check: NamespaceCheck;
  readonly #phases: CheckPhase[] = [];
  readonly #raw: RawFinding[] = [];
  readonly #notes: string[] = [];
  #coverage: Coverage | undefined;
  #findingCount = 0;
  #phase = '';
  #done = 0;

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#check = new NamespaceCheck({
      source: options.source,
      clock: options.clock,
      signal: options.signal,
      onFinding: (finding) => this.#report(finding),
      onProgress: (records) => this.#advance(records),
      holds: (address, length) => this.#coverage?.holds(address, length) ?? false,
    });
  }

  async run(): Promise<CheckOutcome> {
    const check = this.#check;
    const commits = await this.#inPhase('commits', async () => {
      const seen = await check.commits();
      return [`${count(seen.kept, 'commit')}, ${count(check.logs.length, 'log')}`, seen] as const;
    });
    const { last } = commits;
    const atRest = this.#options.blob === undefined && commits.clean;
    if (this.#options.blob === undefined && !commits.clean) {
      this.#notes.push('the last use of the volume did not end in order: the next mount recovers it');
    }
    await this.#inPhase('segments', () => this.#segments(last.marks, atRest));
    await this.#inPhase('inodes', async () => {
      const seen = await check.inodes();
      return [`${count(seen.live, 'inode')}, ${count(seen.extents, 'extent')}`, seen] as const;
    });
    await this.#inPhase('tree', async () => {
      const seen = await check.tree();
      if (seen.orphans > 0) this.#notes.push(`${count(seen.orphans, 'inode')} unlinked, and open or not yet reaped`);
      return [`${count(seen.names, 'name')}, ${count(seen.directories, 'directory', 'directories')}`, seen] as const;
    });
    await this.#inPhase('operations', async () => {
      const { operations, conflicts, moves } = await check.operations();
      if (conflicts > 0) this.#notes.push(`${count(conflicts, 'content')} kept that lost a conflict`);
      return [`${count(operations, 'operation')}, ${count(moves, 'move')}`, undefined] as const;
    });
    await this.#inPhase('journal', async () => this.#journals(atRest));
    const { blob } = this.#options;
    if (blob !== undefined) await this.#inPhase('index', () => this.#index(blob));
    for (const added of this.#options.addedPhases) {
      await this.#inPhase(added.name, async () => [added.run((finding) => this.#report(finding)), undefined] as const);
    }
    const findings = this.#raw.map((raw) => this.#named(raw));
    const counts = { findingCount: this.#findingCount, notes: this.#notes };
    const report = { commit: last.number, phases: this.#phases, findings, repairs: [], ...counts };
    return { report, findings: this.#raw, uncounted: check.uncounted };
  }

  async #inPhase<Value>(name: string, work: () => Promise<readonly [string, Value]>): Promise<Value> {
    this.#options.signal.throwIfAborted();
    const { clock } = this.#options;
    const started = clock.monotonic();
    const before = this.#findingCount;
    this.#phase = name;
    this.#done = 0;
    this.#advance(0);
    const [checked, value] = await work();
    const findings = this.#findingCount - before;
    this.#phases.push({ name, checked, findings, milliseconds: Math.round(clock.monotonic() - started) });
    return value;
  }

  async #segments(marks: readonly HighWaterMark[], atRest: boolean): Promise<readonly [string, undefined]> {
    const { native, blobDirectory, identity, signal, verifyData } = this.#options;
    const seen = await inspectSegments({
      native,
      directory: blobDirectory,
      identity,
      logs: this.#check.logs,
      marks,
      verifyData,
      atRest,
      signal,
      onFinding: ({ file, ...finding }) => this.#report({ ...finding, path: `blob/${file}` }),
      onProgress: (bytes) => this.#advance(bytes),
    });
    this.#coverage = seen.coverage;
    for (const name of seen.unknownLogs) this.#notes.push(`blob/${name} is of no log that is known; nothing uses it`);
    const how = verifyData ? 'read and hashed' : 'in tables, not read';
    return [`${count(seen.segments, 'segment')}, ${count(seen.chunks, 'chunk')} ${how}`, undefined];
  }

  #journals(atRest: boolean): readonly [string, undefined] {
    const { stateDirectory, native } = this.#options;
    const seen = checkJournals({
      directory: stateDirectory,
      crc32c: (bytes, seed) => native.crc32c(bytes, seed),
      atRest,
      report: (finding) => this.#report({ ...finding, path: finding.path.slice(stateDirectory.length + 1) }),
    });
    const waits = this.#options.blob === undefined && seen.records > 0;
    if (waits) this.#notes.push(`${count(seen.records, 'change')} in the journal, which the next mount replays`);
    return [`${count(seen.records, 'record')} in ${count(seen.files, 'file')}`, undefined];
  }

  async #index(blob: NativeBlob): Promise<readonly [string, undefined]> {
    const seen = await blob.checkIndex();
    if (seen.missing.length > seen.dropped) {
      for (const address of seen.missing) this.#report({ code: 'index-missing', detail: this.#atAddress(address) });
    }
    for (const address of seen.contradicted) {
      this.#report({ code: 'index-contradicted', detail: this.#atAddress(address) });
    }
    return [`${count(seen.entries, 'entry', 'entries')} for ${count(seen.chunks, 'chunk')}`, undefined];
  }

  #atAddress(address: bigint): string {
    return `the chunk at 0x${address.toString(16)}, log ${addressLog(address as BlobAddress)}`;
  }

  #report(raw: RawFinding): void {
    this.#findingCount += 1;
    if (this.#raw.length < CHECK_FINDINGS_MAX) this.#raw.push(raw);
  }

  #advance(by: number): void {
    this.#done += by;
    this.#options.onProgress({ phase: this.#phase, done: this.#done, findingCount: this.#findingCount });
  }

  #named({ code, path, inode, name, detail }: RawFinding): CheckFinding {
    const base = path ?? (inode === undefined ? '' : (pathOfInode(this.#options.source, inode) ?? `<inode ${inode}>`));
    const shown = name === undefined ? base : below(base, Buffer.from(name, 'latin1').toString('utf8'));
    return { code, path: shown, inode, detail, repaired: false };
  }
}

const below = (directory: string, name: string): string => `${directory === '/' ? '' : directory}/${name}`;

const count = (many: number | bigint, one: string, others = `${one}s`): string =>
  `${many.toLocaleString('en-US')} ${BigInt(many) === 1n ? one : others}`;
