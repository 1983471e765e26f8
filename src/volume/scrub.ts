// Scrub (DESIGN §1, §9): reads every byte of the blob, names the files that damage touches, and puts damaged bytes
// right again from literals of peers.
import type { Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import { addressLog, addressPosition, blobAddress, type LogPosition, logPosition } from '../base/units.ts';
import { type LogName, logNameText } from '../blob/log-name.ts';
import type { KnownLog } from '../blob/log-store.ts';
import type { PositionRange } from '../blob/ranges.ts';
import { scrubAllSegments } from '../blob/scrub-driver.ts';
import type { ChunkVerifier } from '../blob/verify.ts';
import { BackgroundRun } from './background-run.ts';
import { pathsOfInodes, walkExtents } from './damage.ts';
import type { VolumeParts } from './parts.ts';

/** Findings kept; a scrub that finds more says so and stops, because the disk is lost anyway. */
const FINDINGS_MAX = 100_000;

/** A literal frame of the range from its start on, from whoever has it; undefined when nobody can be asked or has it. */
export type LiteralSource = (log: LogName, range: PositionRange) => Promise<Uint8Array | undefined>;

export type ScrubRequest = { readonly repair: false } | { readonly repair: true; readonly fetch: LiteralSource };

export interface ScrubProblem {
  readonly address: bigint;
  readonly length: bigint;
  readonly log: string;
  readonly reason: 'data' | 'record' | 'missing';
  /** Files that have these bytes; empty when nothing refers to them (garbage). */
  readonly paths: readonly string[];
  readonly repaired: boolean;
}

export interface ScrubState {
  readonly state: 'never' | 'running' | 'done' | 'failed';
  readonly repair: boolean;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly chunks: number;
  readonly findings: readonly ScrubProblem[];
  /** Why it failed; empty otherwise. */
  readonly reason: string;
}

interface Damage {
  readonly log: KnownLog;
  readonly address: bigint;
  readonly length: bigint;
  readonly reason: ScrubProblem['reason'];
}

const NEVER: ScrubState = {
  state: 'never',
  repair: false,
  bytesDone: 0,
  bytesTotal: 0,
  chunks: 0,
  findings: [],
  reason: '',
};

export interface ScrubOptions {
  readonly parts: VolumeParts;
  /** A new one for each use: what it found good once may be damaged now. */
  readonly createVerifier: () => ChunkVerifier;
}

export class Scrub {
  readonly #parts: VolumeParts;
  readonly #logger: Logger;
  readonly #createVerifier: () => ChunkVerifier;
  readonly #background = new BackgroundRun(NEVER);

  constructor(options: ScrubOptions) {
    this.#parts = options.parts;
    this.#logger = options.parts.logger;
    this.#createVerifier = options.createVerifier;
  }

  status(): ScrubState {
    return this.#background.state;
  }

  /** Begins a scrub; while one runs, that one goes on and its state is given. */
  start(request: ScrubRequest): ScrubState {
    const started: ScrubState = { ...NEVER, state: 'running', repair: request.repair };
    return this.#background.start(started, (signal) => this.#run(request, signal));
  }

  /** Resolves with the outcome when no scrub is running. */
  finished(): Promise<ScrubState> {
    return this.#background.finished();
  }

  /** Fetches the bytes of a range that the blob lacks or has wrong; whether they are right now. */
  repairRange(fetch: LiteralSource, range: { readonly address: bigint; readonly length: bigint }): Promise<boolean> {
    const number = addressLog(blobAddress(range.address));
    const log = this.#parts.logs.byNumber(number);
    if (log === undefined) return Promise.resolve(false);
    return this.#repair(fetch, { log, reason: 'missing', ...range });
  }

  close(): Promise<void> {
    return this.#background.close();
  }

  async #run(request: ScrubRequest, signal: AbortSignal): Promise<void> {
    try {
      const findings = await this.#scrub(request, signal);
      this.#note({ state: 'done', findings });
      const repaired = findings.filter((finding) => finding.repaired).length;
      const facts = { bytes: this.status().bytesDone, findings: findings.length, repaired };
      if (findings.length > repaired) this.#logger.error(facts, 'scrub found damage; see `pfs scrub status`');
      else this.#logger.info(facts, 'scrub is done');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#note({ state: 'failed', reason });
      this.#logger.error({ error }, 'scrub ended before its end');
    }
  }

  #note(changes: Partial<ScrubState>): void {
    this.#background.note({ ...this.#background.state, ...changes });
  }

  async #scrub(request: ScrubRequest, signal: AbortSignal): Promise<ScrubProblem[]> {
    if (this.#parts.latch.reason === undefined) await this.#parts.committer.commit(); // extents are looked up in Level
    const damages = await this.#readSegments(signal);
    const walk = await walkExtents(this.#parts, damages, signal);
    const unresolved = this.#unresolvedDamages(walk.unresolved, damages);
    const findings: ScrubProblem[] = [];
    for (const [index, damage] of damages.entries()) {
      findings.push(await this.#settle(request, damage, pathsOfInodes(this.#parts, walk.owners[index] ?? [])));
    }
    for (const { damage, paths } of unresolved) findings.push(await this.#settle(request, damage, paths));
    if (findings.some((finding) => finding.repaired) && this.#parts.latch.reason === undefined) {
      await this.#parts.committer.commit();
    }
    return findings;
  }

  async #readSegments(signal: AbortSignal): Promise<Damage[]> {
    const damages: Damage[] = [];
    await scrubAllSegments({
      blob: this.#parts.blob,
      logs: this.#parts.logs,
      signal,
      onProgress: (progress) => this.#note(progress),
      onDamage: (damage) => {
        if (damages.length >= FINDINGS_MAX) {
          throw new PacketFsError(
            'PFS_CORRUPT',
            `more than ${FINDINGS_MAX} chunks are damaged; replace the disk and join again`,
          );
        }
        damages.push(damage);
      },
    });
    return damages;
  }

  /** Extents that no chunk resolves and no damaged segment explains, one finding per address range. */
  #unresolvedDamages(
    unresolved: Awaited<ReturnType<typeof walkExtents>>['unresolved'],
    known: readonly Damage[],
  ): { damage: Damage; paths: string[] }[] {
    const byRange = new Map<string, { damage: Damage; paths: string[] }>();
    for (const { inode, extent } of unresolved) {
      const log = this.#parts.logs.byNumber(addressLog(extent.address));
      const { address, length } = extent;
      const explained = known.some(
        (damage) => damage.address < address + length && address < damage.address + damage.length,
      );
      if (explained) continue;
      const key = `${address}+${length}`;
      const entry = byRange.get(key) ?? {
        damage: { log: log ?? this.#unknownLog(addressLog(address)), address, length, reason: 'missing' as const },
        paths: [],
      };
      entry.paths.push(...pathsOfInodes(this.#parts, [inode]));
      byRange.set(key, entry);
    }
    return [...byRange.values()];
  }

  #unknownLog(number: KnownLog['number']): KnownLog {
    const entry = this.#parts.namespace.log(number);
    if (entry === undefined)
      throw new PacketFsError('PFS_CORRUPT', `the namespace refers to log ${number}, which it does not know`);
    return entry;
  }

  async #settle(request: ScrubRequest, damage: Damage, paths: readonly string[]): Promise<ScrubProblem> {
    const repaired = request.repair && (await this.#repair(request.fetch, damage));
    const { address, length, reason } = damage;
    return { address, length, log: logNameText(damage.log), reason, paths, repaired };
  }

  /** Stores literals over the range until it is covered, then reads it again. */
  async #repair(fetch: LiteralSource, damage: Damage): Promise<boolean> {
    if (damage.length === 0n) return false; // a header or footer: no peer has it, the next open writes it again
    const start = addressPosition(blobAddress(damage.address));
    const end = logPosition(start + Number(damage.length));
    try {
      for (let next: LogPosition = start; next < end; ) {
        const frame = await fetch(damage.log, { start: next, end });
        if (frame === undefined) return false;
        const stored = await this.#parts.blob.storeLiteral({ log: damage.log.number, frame, repair: true });
        const storedEnd = logPosition(stored.end);
        this.#parts.logs.noteStored(damage.log.number, { start: logPosition(stored.start), end: storedEnd });
        if (stored.start > next || storedEnd <= next) return false; // not what was asked for
        next = storedEnd;
      }
    } catch (error) {
      this.#logger.warn({ log: logNameText(damage.log), start, end, error }, 'a damaged range could not be repaired');
      return false;
    }
    return this.#createVerifier().matches(damage.address, damage.length);
  }
}
