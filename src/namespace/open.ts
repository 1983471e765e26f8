// Opening a namespace: reads what stays in memory (logs, commits, orphans, moves, conflicts),
// checks the chain of commits, marks the state as open and, after an unclean stop, starts a new epoch of the own log.
import { PacketFsError } from '../base/errors.ts';
import { hybridTime, inodeNumber, logNumber, nanoseconds, ROOT_INODE } from '../base/units.ts';
import { BatchStore } from './batch-store.ts';
import { decoded } from './change.ts';
import { type Commit, checkChain, decodeCommit, FIRST_COMMIT } from './commits.ts';
import { ConflictTable } from './conflicts.ts';
import { HybridClock } from './hybrid-clock.ts';
import { KIND, logKey, stateKey } from './keys.ts';
import { LevelNamespace } from './level-namespace.ts';
import { type LogState, LogTable } from './logs.ts';
import { MoveLog } from './moves.ts';
import { newState, REGISTERS, TYPE_DIRECTORY } from './state.ts';
import { Store } from './store.ts';
import { Tree } from './tree.ts';
import type { Namespace, NamespaceOptions } from './types.ts';

const ROOT_PERMISSIONS = 0o755;
const NODE_BYTES = 32;
const STATE_OPEN = 1;

export async function openNamespace(options: NamespaceOptions): Promise<Namespace> {
  if (options.node.length !== NODE_BYTES) throw new PacketFsError('PFS_BAD_KEY', 'A node key has 32 bytes');
  const store = await Store.open(options.directory, options.cachedBytesMax);
  try {
    return await open(options, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function open(options: NamespaceOptions, store: Store): Promise<Namespace> {
  const state = store.read(stateKey());
  const wasClean = state === undefined || state[0] !== STATE_OPEN;
  const logs = new LogTable();
  for await (const [key, value] of store.scan(KIND.log)) decoded(() => logs.load(key.readUInt16BE(1), value));
  const commit = await readCommits(store);
  const clock = new HybridClock(options.clock);
  clock.observe(commit.clock);
  const tree = new Tree(store, logs);
  tree.inodeCount = commit.inodes;
  for await (const key of store.scanKeys(KIND.orphan)) tree.orphans.add(inodeNumber(key.readBigUInt64BE(1)));
  const moves = new MoveLog(tree);
  for await (const [, value] of store.scan(KIND.move)) decoded(() => moves.load(value));
  moves.sort();
  const conflicts = new ConflictTable(store);
  for await (const [key, value] of store.scan(KIND.conflict)) decoded(() => conflicts.load(key, value));
  const batches = new BatchStore(store);
  const own = ownLog(options, logs, wasClean);
  addRoot(store);
  await store.write([
    ...store.freeze(),
    { type: 'put', key: stateKey(), value: new Uint8Array([STATE_OPEN]) },
    { type: 'put', key: logKey(own.number), value: logs.encode(own) },
  ]);
  store.release();
  own.dirty = false;
  return new LevelNamespace({ options, store, tree, logs, own, moves, conflicts, batches, clock, commit, wasClean });
}

async function readCommits(store: Store): Promise<Commit> {
  const commits: Commit[] = [];
  for await (const [, value] of store.scan(KIND.commit)) commits.push(decoded(() => decodeCommit(value)));
  checkChain(commits);
  return commits[commits.length - 1] ?? FIRST_COMMIT;
}

/** The log of the highest epoch, or after an unclean stop the one after it. */
function ownLog(options: NamespaceOptions, logs: LogTable, wasClean: boolean): LogState {
  const mine = logs.all().filter((log) => Buffer.compare(log.node, options.node) === 0);
  const epoch = mine.reduce((highest, log) => Math.max(highest, log.epoch), 0);
  const wanted = wasClean ? Math.max(1, epoch) : epoch + 1;
  return logs.add({ node: options.node, epoch: wanted }, { own: true });
}

/** The root is the same everywhere before any operation: nothing creates it, updates win over it. */
function addRoot(store: Store): void {
  if (store.get(ROOT_INODE) !== undefined) return;
  const never = nanoseconds(0n);
  const root = newState({
    inode: ROOT_INODE,
    mode: TYPE_DIRECTORY | ROOT_PERMISSIONS,
    uid: 0,
    gid: 0,
    links: 2,
    device: 0,
    size: 0n,
    allocatedBytes: 0n,
    accessed: never,
    modified: never,
    changed: never,
    target: undefined,
    contentVersion: hybridTime(0n),
  });
  root.replicated = true;
  for (const register of REGISTERS) root.stamps[register] = { clock: 0n, log: logNumber(0), sequence: 0n };
  store.add(root);
}
