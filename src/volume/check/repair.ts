// Repairs what a check found, as far as what is still here, or a peer, allows (docs/design/0045): says what it does, and
// saves every record that it may change to a file of its own first. Through the namespace and a commit like any change.
import fs from 'node:fs';
import path from 'node:path';
import { isPacketFsError } from '../../base/errors.ts';
import { type InodeNumber, inodeNumber, ROOT_INODE } from '../../base/units.ts';
import type { ListedName, NamespaceRepair } from '../../namespace/check/repair.ts';
import type { RawRecord, RecordSource } from '../../namespace/check/source.ts';
import { KIND, numberKey } from '../../namespace/keys.ts';
import { decodeNamePage } from '../../namespace/records.ts';
import { nameBytes, nameKey } from '../../namespace/state.ts';
import type { VolumeParts } from '../parts.ts';
import type { LiteralSource, Scrub } from '../scrub.ts';
import { syncDirectory } from '../state-directory.ts';
import type { CheckOutcome, RawFinding } from './run-check.ts';

/** Where inodes go that nothing names. */
const LOST_DIRECTORY = Buffer.from('.pfs-lost');
const LOST_MODE = 0o040700;
const SAVED_DIRECTORY = 'repairs';

export interface RepairParts {
  readonly parts: VolumeParts;
  readonly scrub: Scrub;
  readonly source: RecordSource;
  readonly stateDirectory: string;
  /** Undefined: no peer can be asked. */
  readonly fetch: LiteralSource | undefined;
}

export interface RepairReport {
  readonly done: readonly string[];
  /** What was in the way is gone: the next look finds what to repair. */
  readonly goesOn: boolean;
  /** The file with the old records, in the state directory. */
  readonly saved: string;
}

export async function repair(given: RepairParts, outcome: CheckOutcome): Promise<RepairReport> {
  const { parts, source } = given;
  parts.latch.assertWritable();
  const unreadable = outcome.findings.flatMap(({ code, key }) =>
    code === 'record-undecodable' && key !== undefined && DROPPED_FIRST.has(key[0] ?? 0) ? [key] : [],
  );
  const plan = unreadable.length > 0 ? onlyDropping(source, unreadable) : await planOf(source, outcome);
  const saved = await saveRecords(given, plan);
  const resume = parts.posts.suspend();
  const { done, adopted, fetched } = await repairAndShow(given, outcome, plan).finally(resume);
  await parts.committer.commit();
  const all = [...done, ...adopted, ...fetched];
  fs.appendFileSync(saved, all.map((what) => `${JSON.stringify({ done: what })}\n`).join(''));
  return { done: all, goesOn: unreadable.length > 0, saved: path.relative(given.stateDirectory, saved) };
}

async function repairAndShow(
  given: RepairParts,
  outcome: CheckOutcome,
  plan: NamespaceRepair,
): Promise<{
  readonly done: readonly string[];
  readonly adopted: readonly string[];
  readonly fetched: readonly string[];
}> {
  const { parts } = given;
  const { done, nameless } = await parts.namespace.repair(plan);
  const adopted = adoptAll(parts, nameless);
  const fetched = await fetchRanges(given, outcome.findings);
  showRepaired(parts, plan);
  parts.committer.flushJournal();
  return { done, adopted, fetched };
}

/** The kernel, and the session in front of it, remember what the records said before. */
function showRepaired({ invalidations }: VolumeParts, plan: NamespaceRepair): void {
  const inodes = new Set([...plan.inodes, ...plan.missing.keys()]);
  const names = [...plan.missing.values()].flat();
  const entries = names.map(({ parent, name }) => ({ parent: inodeNumber(parent), name: nameBytes(name) }));
  invalidations.publish({ inodes: [...inodes].map((inode) => inodeNumber(inode)), entries });
}

// ---- which findings mean what

/** Of these kinds a record that does not decode goes first: what it said is derived, once nothing stumbles over it. */
const DROPPED_FIRST: ReadonlySet<number> = new Set([KIND.extentIndex, KIND.extentPage, KIND.extended, KIND.namePage]);

const onlyDropping = (source: RecordSource, strayKeys: readonly Buffer[]): NamespaceRepair => ({
  source,
  missing: new Map(),
  inodes: new Set(),
  contents: new Map(),
  extended: new Set(),
  namePages: new Map(),
  strayKeys,
  unreadable: true,
  uncounted: 0n,
});

const OF_DIRECTORY = new Set(['name-missing', 'name-stray', 'name-inode', 'name-type', 'name-page', 'link-count']);
const OF_BOTH = new Set(['name-missing', 'name-stray', 'link-parent', 'directory-loop', 'directory-unreachable']);
const OF_INODE = new Set(['directory-position', 'orphan-lost', 'allocated-bytes']);
const OF_CONTENT = new Set(['extent-page', 'extent-order', 'extent-bounds']);
const OF_STRAY_RECORD = new Set(['extent-page', 'extended-attributes', 'orphan-stray']);

async function planOf(source: RecordSource, outcome: CheckOutcome): Promise<NamespaceRepair> {
  const missing = new Map<bigint, ListedName[]>();
  const [inodes, files, extended] = [new Set<bigint>(), new Set<bigint>(), new Set<bigint>()];
  const strayKeys: Buffer[] = [];
  const doubtful = new Set<bigint>();
  const lacks = (inode: bigint | undefined, name?: ListedName): void => {
    if (inode === undefined) return;
    doubtful.add(inode);
    missing.set(inode, [...(missing.get(inode) ?? []), ...(name === undefined ? [] : [name])]);
  };
  for (const { code, inode, name, other, key } of outcome.findings) {
    if (inode === undefined) continue;
    const isStray = OF_STRAY_RECORD.has(code) && key !== undefined;
    if (OF_DIRECTORY.has(code) || OF_BOTH.has(code) || OF_INODE.has(code)) inodes.add(inode);
    if (OF_BOTH.has(code) && other !== undefined) inodes.add(other);
    if (code === 'name-inode' && name !== undefined) lacks(other, { parent: inode, name });
    if (code === 'operation-inode' || code === 'link-parent' || code === 'directory-unreachable') lacks(other);
    if (code === 'record-undecodable' && key?.[0] === KIND.inode) lacks(inode);
    if (code === 'name-page') lacks(inode);
    if (isStray) strayKeys.push(key);
    else if (OF_CONTENT.has(code)) files.add(inode);
    else if (code === 'extended-attributes') extended.add(inode);
  }
  for (const inode of [...files, ...extended]) inodes.add(inode);
  const namePages = await pagesOf(source, doubtful, missing);
  const contents = new Map<bigint, readonly Buffer[]>();
  for (const inode of [...files, ...missing.keys()]) {
    const pages = await source.ofInode(KIND.extentPage, inode);
    contents.set(inode, [numberKey(KIND.extentIndex, inode), ...pages.map(([key]) => key)]);
  }
  return {
    source,
    missing,
    inodes,
    contents,
    extended,
    namePages,
    strayKeys,
    unreadable: false,
    uncounted: outcome.uncounted,
  };
}

/** How many pages of names there are; what these list of other missing inodes is added to their names. */
async function pagesOf(
  source: RecordSource,
  doubtful: ReadonlySet<bigint>,
  missing: Map<bigint, ListedName[]>,
): Promise<ReadonlyMap<bigint, number>> {
  const namePages = new Map<bigint, number>();
  for (const parent of doubtful) {
    for (const [key, value] of await source.ofInode(KIND.namePage, parent)) {
      namePages.set(parent, key.readUInt32BE(9) + 1);
      for (const { name: bytes, inode } of decodeNamePage(value)) {
        const name = nameKey(bytes);
        const names = missing.get(inode);
        if (names?.some((known) => known.parent === parent && known.name === name) === false)
          names.push({ parent, name });
      }
    }
  }
  return namePages;
}

// ---- nothing is thrown away

async function saveRecords({ source, stateDirectory }: RepairParts, plan: NamespaceRepair): Promise<string> {
  const directory = path.join(stateDirectory, SAVED_DIRECTORY);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, `${new Date().toISOString().replaceAll(':', '-')}.jsonl`);
  const descriptor = fs.openSync(file, 'wx', 0o600);
  try {
    for (const [key, value] of await recordsOf(source, plan)) {
      const line = { key: key.toString('hex'), value: Buffer.from(value).toString('hex') };
      fs.writeSync(descriptor, `${JSON.stringify(line)}\n`);
    }
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  syncDirectory(directory);
  return file;
}

async function recordsOf(source: RecordSource, plan: NamespaceRepair): Promise<RawRecord[]> {
  const records: RawRecord[] = [];
  const take = (key: Buffer): void => {
    const value = source.read(key);
    if (value !== undefined) records.push([key, value]);
  };
  for (const inode of new Set([...plan.inodes, ...plan.missing.keys()])) {
    for (const kind of [KIND.inode, KIND.extentIndex, KIND.extended, KIND.orphan]) take(numberKey(kind, inode));
    for (const kind of [KIND.extentPage, KIND.namePage]) records.push(...(await source.ofInode(kind, inode)));
  }
  for (const key of plan.strayKeys) take(key);
  return records;
}

// ---- names for what has none

function adoptAll({ namespace }: VolumeParts, nameless: readonly InodeNumber[]): string[] {
  if (nameless.length === 0) return [];
  const lost =
    namespace.lookup(ROOT_INODE, LOST_DIRECTORY) ??
    namespace.createInode({ parent: ROOT_INODE, name: LOST_DIRECTORY, mode: LOST_MODE, uid: 0, gid: 0 });
  return nameless.map((inode) => {
    let name = `inode-${inode}`;
    for (let again = 1; namespace.lookup(lost.inode, Buffer.from(name)) !== undefined; again++) {
      name = `inode-${inode}-${again}`;
    }
    namespace.adopt(inode, lost.inode, Buffer.from(name));
    return `inode ${inode}, which nothing named, is /${LOST_DIRECTORY.toString()}/${name} now`;
  });
}

// ---- bytes that only peers have

async function fetchRanges({ scrub, fetch }: RepairParts, findings: readonly RawFinding[]): Promise<string[]> {
  if (fetch === undefined) return [];
  const done: string[] = [];
  const tried = new Set<string>();
  for (const { range } of findings) {
    if (range === undefined || tried.has(`${range.address}+${range.length}`)) continue;
    tried.add(`${range.address}+${range.length}`);
    if (!(await repaired(scrub, fetch, range))) continue;
    done.push(`${range.length} bytes at 0x${range.address.toString(16)} were fetched from a peer`);
  }
  return done;
}

async function repaired(
  scrub: Scrub,
  fetch: LiteralSource,
  range: { readonly address: bigint; readonly length: bigint },
): Promise<boolean> {
  try {
    return await scrub.repairRange(fetch, range);
  } catch (error) {
    if (!isPacketFsError(error)) throw error;
    return false; // it stays a finding
  }
}
