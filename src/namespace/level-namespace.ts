// The namespace over Level: puts the room's parts together behind the interface of types.ts. A local change is a
// mutation (mutations.ts), journaled when it succeeded; seal.ts makes operations of what is pending, before a freeze and
// before a peer's batch is applied, so that every own batch has seen exactly the batches that were applied before it.

import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { CLOCK_AHEAD_MAX_MS } from '../base/limits.ts';
import { type InodeNumber, inodeNumber, type LogNumber, type Nanoseconds, ROOT_INODE } from '../base/units.ts';
import { type Extent, isHole } from '../extent/extent.ts';
import { normalise } from '../extent/list.ts';
import { decodeBatch, type OperationBatch } from '../wire/operations.ts';
import { Applier } from './apply.ts';
import { BatchMaker } from './batch-maker.ts';
import type { BatchStore } from './batch-store.ts';
import { COMMITS_KEPT, type Commit, chainHash, encodeCommit } from './commits.ts';
import type { ConflictTable } from './conflicts.ts';
import { readExtents } from './content.ts';
import { sortedNames } from './directory.ts';
import type { HybridClock } from './hybrid-clock.ts';
import { decodeMutation, encodeMutation, extentsOfMutation } from './journal-records.ts';
import { KIND, logKey, numberKey, stateKey } from './keys.ts';
import { entryOf, type LogState, type LogTable } from './logs.ts';
import type { MoveLog } from './moves.ts';
import type { Mutation, TimedMutation } from './mutation-types.ts';
import { Mutator } from './mutations.ts';
import { pathsOf } from './paths.ts';
import { Pending } from './pending.ts';
import { type Ahead, extentsOfBatch, orderReadiness, readinessOf } from './readiness.ts';
import { decodeInode } from './records.ts';
import { seal } from './seal.ts';
import { type InodeState, isDirectory, nameBytes, nameKey } from './state.ts';
import type { Store } from './store.ts';
import { assertDirectory, type Tree } from './tree.ts';
import type {
  AppliedBatch,
  AttributeGroups,
  BatchReadiness,
  CommitState,
  ConflictRecord,
  ContentChange,
  FrozenCommit,
  HighWaterMark,
  InodeRecord,
  JournalRecord,
  LogEntry,
  LogName,
  NameEntry,
  Namespace,
  NamespaceOptions,
  NamespaceStatistics,
  NewInode,
  RenameOptions,
  RenameResult,
  StoredBatch,
} from './types.ts';

const COUNTER_BITS = 48n;
const NO_INODE = inodeNumber(0n);

/** What open.ts has read and checked. */
export interface NamespaceParts {
  readonly options: NamespaceOptions;
  readonly store: Store;
  readonly tree: Tree;
  readonly logs: LogTable;
  readonly own: LogState;
  readonly moves: MoveLog;
  readonly conflicts: ConflictTable;
  readonly batches: BatchStore;
  readonly clock: HybridClock;
  readonly commit: Commit;
  readonly wasClean: boolean;
}

export class LevelNamespace implements Namespace {
  readonly wasClean: boolean;
  readonly #options: NamespaceOptions;
  readonly #store: Store;
  readonly #tree: Tree;
  readonly #logs: LogTable;
  readonly #moves: MoveLog;
  readonly #conflicts: ConflictTable;
  readonly #batches: BatchStore;
  readonly #clock: HybridClock;
  readonly #mutator: Mutator;
  readonly #decoded = new WeakMap<Uint8Array, OperationBatch>();
  #own: LogState;
  #commit: Commit;
  #pending = new Pending();
  #journal: JournalRecord[] = [];
  #writing = false;
  /** Set when a write failed: nothing more is written until the namespace is opened again. */
  #latched: unknown;
  #closed = false;
  /** Orphans that nobody can have open: from before an unclean stop, or made by the replay of the journal. */
  #recovering = true;

  constructor(parts: NamespaceParts) {
    this.#options = parts.options;
    this.#store = parts.store;
    this.#tree = parts.tree;
    this.#logs = parts.logs;
    this.#own = parts.own;
    this.#moves = parts.moves;
    this.#conflicts = parts.conflicts;
    this.#batches = parts.batches;
    this.#clock = parts.clock;
    this.#commit = parts.commit;
    this.wasClean = parts.wasClean;
    this.#mutator = new Mutator(this.#tree, () => this.#pending);
    if (parts.wasClean) this.#endRecovery();
  }

  get ownLog(): LogEntry {
    return entryOf(this.#own);
  }

  get commit(): CommitState {
    const { number, chainHash: chain, marks } = this.#commit;
    return { number, chainHash: chain, marks };
  }

  // ---- reads

  inode(inode: InodeNumber): InodeRecord | undefined {
    this.#store.settle();
    const state = this.#store.get(inode);
    return state === undefined || state.reaped ? undefined : state.record;
  }

  lookup(parent: InodeNumber, name: Uint8Array): InodeRecord | undefined {
    this.#store.settle();
    return this.#tree.find(this.#mutator.parent(parent), name)?.state.record;
  }

  readDirectory(inode: InodeNumber): readonly NameEntry[] {
    this.#store.settle();
    const state = this.#mutator.live(inode);
    assertDirectory(state);
    const directory = this.#tree.directory(state);
    return sortedNames(directory).flatMap((key) =>
      this.#tree.shownNames(state, key).map(([shown, named]) => ({
        name: nameBytes(shown),
        inode: named.inode,
        mode: named.type,
      })),
    );
  }

  parentOf(directory: InodeNumber): InodeNumber {
    const state = this.#mutator.live(directory);
    assertDirectory(state);
    return state.position?.parent ?? ROOT_INODE;
  }

  extents(inode: InodeNumber, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[] {
    const state = this.#mutator.live(inode);
    return this.#extentsOf(state, range);
  }

  extendedAttribute(inode: InodeNumber, name: Uint8Array): Uint8Array | undefined {
    const state = this.#mutator.live(inode);
    return this.#store.extended(state).get(nameKey(name))?.value;
  }

  extendedAttributeNames(inode: InodeNumber): readonly Uint8Array[] {
    const values = this.#store.extended(this.#mutator.live(inode)).values();
    return [...values].filter(({ value }) => value !== undefined).map(({ name }) => name);
  }

  pathsOf(inode: InodeNumber): readonly Uint8Array[] {
    this.#store.settle();
    const state = this.#store.get(inode);
    return state === undefined ? [] : pathsOf(this.#tree, state);
  }

  statistics(): NamespaceStatistics {
    return {
      inodes: this.#tree.inodeCount,
      pendingInodes: this.#store.dirtyCount,
      cachedInodes: this.#store.cachedCount,
    };
  }

  conflicts(): readonly ConflictRecord[] {
    return this.#conflicts.all();
  }

  async *allExtents(): AsyncGenerator<{ readonly inode: InodeNumber; readonly extents: readonly Extent[] }> {
    for await (const [key, bytes] of this.#store.scan(KIND.inode)) {
      const state = decodeInode(key.readBigUInt64BE(1), bytes);
      if (state.reaped || state.record.allocatedBytes === 0n) continue;
      const extents = this.#extentsOf(state).filter((extent) => !isHole(extent));
      yield { inode: state.inode, extents };
    }
  }

  // ---- local mutations

  createInode(node: NewInode): InodeRecord {
    const inode = inodeNumber((BigInt(this.#own.number) << COUNTER_BITS) | BigInt(this.#own.inodeCounter + 1));
    const { parent, name, mode, uid, gid, device = 0, target } = node;
    this.#do({ kind: 'create', inode, parent, name, mode, uid, gid, device, target });
    return this.#mutator.live(inode).record;
  }

  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeRecord {
    this.#do({ kind: 'link', inode, parent, name });
    return this.#mutator.live(inode).record;
  }

  unlink(parent: InodeNumber, name: Uint8Array): InodeRecord {
    const removed = this.#do({ kind: 'unlink', inode: NO_INODE, parent, name });
    assert(removed !== undefined, 'an unlink gives what it removed');
    return removed.record;
  }

  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeRecord {
    const removed = this.#do({ kind: 'remove-directory', inode: NO_INODE, parent, name });
    assert(removed !== undefined, 'a removal gives what it removed');
    return removed.record;
  }

  rename(options: RenameOptions): RenameResult {
    this.#writable();
    const { parent, name, newParent, newName, flags } = options;
    const now = this.#clock.now();
    const result = this.#mutator.rename(options, now);
    this.#record({ now, mutation: { kind: 'rename', parent, name, newParent, newName, flags } });
    return result;
  }

  setAttributes(inode: InodeNumber, groups: AttributeGroups): InodeRecord {
    this.#do({ kind: 'attributes', inode, groups });
    return this.#mutator.live(inode).record;
  }

  setContent(inode: InodeNumber, change: ContentChange): InodeRecord {
    this.#do({ kind: 'content', inode, change, version: this.#clock.tick() });
    return this.#mutator.live(inode).record;
  }

  setExtendedAttribute(
    inode: InodeNumber,
    name: Uint8Array,
    value: Uint8Array,
    mode: 'any' | 'create' | 'replace',
  ): void {
    const known = this.extendedAttribute(inode, name) !== undefined;
    if (mode === 'create' && known) throw new PacketFsError('PFS_EXISTS', 'The attribute exists');
    if (mode === 'replace' && !known) throw new PacketFsError('PFS_NO_ATTRIBUTE', 'The attribute does not exist');
    this.#do({ kind: 'extended', inode, name, value });
  }

  removeExtendedAttribute(inode: InodeNumber, name: Uint8Array): void {
    const known = this.extendedAttribute(inode, name) !== undefined;
    if (!known) throw new PacketFsError('PFS_NO_ATTRIBUTE', 'The attribute does not exist');
    this.#do({ kind: 'extended', inode, name, value: undefined });
  }

  reap(inode: InodeNumber): void {
    const state = this.#store.get(inode);
    if (state !== undefined && !state.reaped && state.record.links === 0) this.#do({ kind: 'reap', inode });
  }

  #do(mutation: Mutation): InodeState | undefined {
    this.#writable();
    const now = this.#clock.now();
    const result = this.#perform(mutation, now);
    this.#record({ now, mutation });
    return result;
  }

  #record(mutation: TimedMutation): void {
    this.#journal.push(encodeMutation(mutation));
  }

  #perform(mutation: Mutation, now: Nanoseconds): InodeState | undefined {
    switch (mutation.kind) {
      case 'create': {
        const state = this.#mutator.create(mutation, now);
        this.#countInode(mutation.inode);
        return state;
      }
      case 'link':
        return this.#mutator.link(mutation, now);
      case 'unlink':
        return this.#mutator.unlink(mutation, now);
      case 'remove-directory':
        return this.#mutator.removeDirectory(mutation, now);
      case 'rename':
        this.#mutator.rename(mutation, now);
        return undefined;
      case 'attributes':
        return this.#mutator.setAttributes(mutation, now);
      case 'content':
        return this.#mutator.setContent(mutation, now);
      case 'extended':
        this.#mutator.setExtended(mutation, now);
        return undefined;
      case 'reap':
        this.#tree.reap(this.#tree.require(mutation.inode));
        return undefined;
      case 'applied':
        this.#applyBatch(this.#decode(mutation.bytes), mutation.bytes);
        return undefined;
      case 'log':
        this.#logs.add(mutation.name, { own: false, number: mutation.number });
        return undefined;
    }
  }

  /** The own log's counter never gives an inode number twice, also where a journal made the inode. */
  #countInode(inode: InodeNumber): void {
    const log = this.#logs.get(Number(inode >> COUNTER_BITS) as LogNumber);
    const counter = Number(BigInt.asUintN(48, inode));
    if (log === undefined || counter <= log.inodeCounter) return;
    log.inodeCounter = counter;
    log.dirty = true;
  }

  #writable(): void {
    this.#usable();
    if (this.#recovering) this.#endRecovery();
  }

  #usable(): void {
    this.#store.settle();
    if (this.#closed) throw new PacketFsError('PFS_CLOSED', 'The namespace is closed');
    if (this.#latched === undefined) return;
    throw new PacketFsError('PFS_IO', 'A commit failed: the namespace is read-only until it is opened again', {
      cause: this.#latched,
    });
  }

  /** Nobody has an orphan open that was there before this process. */
  #endRecovery(): void {
    this.#recovering = false;
    for (const inode of [...this.#tree.orphans]) this.#tree.reap(this.#tree.require(inode));
  }

  // ---- journal

  takeJournal(): readonly JournalRecord[] {
    const journal = this.#journal;
    this.#journal = [];
    return journal;
  }

  replay(record: JournalRecord): void {
    this.#usable();
    const { now, mutation } = decodeMutation(record);
    this.#clock.observe(mutation.kind === 'content' ? mutation.version : 0n);
    this.#perform(mutation, now);
  }

  extentsOfJournalRecord(record: JournalRecord): readonly Extent[] {
    const { mutation } = decodeMutation(record);
    if (mutation.kind === 'applied') return extentsOfBatch(this.#decode(mutation.bytes), this.#logs);
    return extentsOfMutation(record);
  }

  // ---- commit

  get pending(): boolean {
    return this.#store.hasChanges || !this.#pending.isEmpty || this.#logs.all().some((log) => log.dirty);
  }

  freeze(): FrozenCommit | undefined {
    this.#writable();
    assert(!this.#writing, 'the last freeze is written before the next one');
    const before = this.#logs.all().map((log) => log.durableSequence);
    this.#seal();
    if (!this.pending) return undefined;
    const logs = this.#logs.all();
    for (const log of logs) {
      if (!log.dirty) continue;
      this.#store.change({ type: 'put', key: logKey(log.number), value: this.#logs.encode(log) });
      log.dirty = false;
    }
    const sequences = logs.map((log) => ({ log, sequence: log.sequence }));
    const changes = this.#store.freeze();
    const number = this.#commit.number + 1n;
    const counts = { clock: this.#clock.last, inodes: this.#tree.inodeCount };
    this.#writing = true;
    const hasOperations = sequences.some(({ sequence }, index) => sequence > (before[index] ?? 0n));
    const write = async (marks: readonly HighWaterMark[]): Promise<void> => {
      this.#usable();
      const previousHash = this.#commit.chainHash;
      const chain = chainHash(this.#options.hash, { previous: previousHash, changes, marks });
      const commit: Commit = { number, chainHash: chain, previousHash, marks, ...counts };
      changes.push(encodeCommit(commit));
      if (number > COMMITS_KEPT) changes.push({ type: 'del', key: numberKey(KIND.commit, number - COMMITS_KEPT) });
      await this.#write(changes);
      for (const { log, sequence } of sequences) log.durableSequence = sequence;
      this.#commit = commit;
      this.#store.release();
      this.#writing = false;
    };
    return { number, ownSequence: this.#own.sequence, hasOperations, write };
  }

  async #write(changes: Parameters<Store['write']>[0]): Promise<void> {
    try {
      await this.#store.write(changes);
    } catch (cause) {
      this.#latched = cause;
      throw new PacketFsError('PFS_IO', 'The namespace cannot be written', { cause });
    }
  }

  async startEpoch(): Promise<LogEntry> {
    this.#usable();
    assert(this.#pending.isEmpty, 'an epoch starts before the first mutation');
    this.#own = this.#logs.add({ node: this.#options.node, epoch: this.#own.epoch + 1 }, { own: true });
    const own = this.#own;
    await this.#write([{ type: 'put', key: logKey(own.number), value: this.#logs.encode(own) }]);
    own.dirty = false;
    return entryOf(own);
  }

  #seal(): void {
    if (!this.#pending.isEmpty) {
      const clock = this.#clock.tick();
      const { checkOfRuns } = this.#options;
      const maker = new BatchMaker({ own: this.#own, logs: this.#logs, clock, checkOfRuns });
      const pending = this.#pending;
      seal({ pending, maker, tree: this.#tree, moves: this.#moves, extentsOf: (state) => this.#extentsOf(state) });
      for (const { firstSequence, bytes } of maker.finish()) this.#batches.add(this.#own.number, firstSequence, bytes);
      this.#pending = new Pending();
    }
    this.#tree.forgetReaped();
  }

  // ---- replication

  logs(): readonly LogEntry[] {
    const others = this.#logs.all().filter((log) => log !== this.#own);
    return [entryOf(this.#own), ...others.map(entryOf)];
  }

  log(number: LogNumber): LogEntry | undefined {
    const log = this.#logs.get(number);
    return log === undefined ? undefined : entryOf(log);
  }

  numberOfLog(name: LogName): LogNumber {
    const known = this.#logs.find(name);
    if (known !== undefined) return known.number;
    this.#usable();
    const log = this.#logs.add(name, { own: false });
    this.#record({
      now: this.#clock.now(),
      mutation: { kind: 'log', name: { node: log.node, epoch: log.epoch }, number: log.number },
    });
    return log.number;
  }

  batchesFrom(log: LogNumber, from: bigint, bytesMax: number): readonly StoredBatch[] {
    const durable = this.#logs.get(log)?.durableSequence ?? 0n;
    return this.#batches.from({ log, from, durable, bytesMax });
  }

  readiness(bytes: Uint8Array, holds: (address: bigint, length: bigint) => boolean, ahead: Ahead = []): BatchReadiness {
    const batch = this.#decode(bytes);
    const aheadMs = this.#clock.aheadMs(batch.clock);
    if (aheadMs > CLOCK_AHEAD_MAX_MS) {
      throw new PacketFsError('PFS_REFUSED', "A peer's clock is too far ahead: set the clocks", {
        facts: { aheadMs },
      });
    }
    return readinessOf(batch, { logs: this.#logs, holds, checkOfRuns: this.#options.checkOfRuns, ahead });
  }

  apply(bytes: Uint8Array): AppliedBatch | undefined {
    this.#writable();
    const batch = this.#decode(bytes);
    for (const name of batch.logs) this.numberOfLog(name);
    const applied = this.#applyBatch(batch, bytes);
    if (applied !== undefined) this.#record({ now: this.#clock.now(), mutation: { kind: 'applied', bytes } });
    return applied;
  }

  #applyBatch(batch: OperationBatch, bytes: Uint8Array): AppliedBatch | undefined {
    const order = orderReadiness(batch, this.#logs);
    if (order?.kind === 'applied') return undefined;
    assert(order === undefined, 'a batch is applied when what it depends on is');
    this.#seal();
    const locals = batch.logs.map((name) => this.#logs.add(name, { own: false }).number);
    const log = this.#logs.require(locals[0] ?? (0 as LogNumber));
    const parts = { tree: this.#tree, moves: this.#moves, conflicts: this.#conflicts, clock: this.#clock };
    const applier = new Applier(parts, { batch, log, locals });
    applier.check();
    this.#clock.observe(batch.clock);
    for (const { source, sequence } of batch.dependencies) {
      const other = locals[source - 1];
      if (other !== undefined && (log.seen.get(other) ?? 0n) < sequence) log.seen.set(other, sequence);
    }
    const changes = {
      inodes: new Set<InodeNumber>(),
      contents: new Set<InodeNumber>(),
      entries: new Map(),
      unlinked: new Set<InodeNumber>(),
    };
    this.#tree.changes = changes;
    try {
      applier.run();
    } finally {
      this.#tree.changes = undefined;
    }
    log.sequence = batch.firstSequence + BigInt(batch.operations.length) - 1n;
    log.dirty = true;
    this.#batches.add(log.number, batch.firstSequence, bytes);
    return {
      log: log.number,
      lastSequence: log.sequence,
      inodes: [...changes.inodes],
      contents: [...changes.contents],
      entries: [...changes.entries.values()].map(({ parent, name }) => ({ parent, name: nameBytes(name) })),
      unlinked: [...changes.unlinked],
    };
  }

  #decode(bytes: Uint8Array): OperationBatch {
    const known = this.#decoded.get(bytes);
    if (known !== undefined) return known;
    const result = decodeBatch(bytes);
    if (!result.ok)
      throw new PacketFsError('PFS_CORRUPT', 'A batch is malformed', { facts: { reason: result.reason } });
    this.#decoded.set(bytes, result.batch);
    return result.batch;
  }

  #extentsOf(state: InodeState, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[] {
    if (isDirectory(state) || state.record.target !== undefined) return [];
    const { size } = state.record;
    const offset = range?.offset ?? 0n;
    const wanted = range === undefined ? size : range.length;
    const length = offset + wanted > size ? size - offset : wanted;
    if (length <= 0n) return [];
    const extents = readExtents(state, { offset, length }, (key) => this.#store.read(key));
    return offset === 0n ? normalise(extents, length) : extents;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    assert(!this.#writing || this.#latched !== undefined, 'the last freeze is written before the namespace is closed');
    const clean = this.#latched === undefined && !this.pending;
    this.#closed = true;
    if (clean) await this.#store.write([{ type: 'put', key: stateKey(), value: new Uint8Array([0]) }]);
    await this.#store.close();
  }

  async abandon(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#store.close();
  }
}
