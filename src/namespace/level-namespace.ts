// The namespace over Level: puts the room's parts together behind the interface of types.ts. A local change is a
// mutation (mutations.ts), journaled when it succeeded; seal.ts makes operations of what is pending, before a freeze and
// before a peer's batch is applied, so that every own batch has seen exactly the batches that were applied before it.

import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { INODE_COUNTER_LIMIT, type InodeNumber, inodeNumber, type LogNumber, type Nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { BatchMaker } from './batch-maker.ts';
import type { BatchStore } from './batch-store.ts';
import { type NamespaceRepair, type RepairOutcome, repairTree } from './check/repair.ts';
import type { RecordSource } from './check/source.ts';
import { CommitWriter } from './commit-writer.ts';
import type { Commit } from './commits.ts';
import type { ConflictTable } from './conflicts.ts';
import type { HybridClock } from './hybrid-clock.ts';
import { IncomingBatches } from './incoming.ts';
import { decodeMutation, encodeMutation, extentsOfMutation } from './journal-records.ts';
import { logKey, stateKey } from './keys.ts';
import { entryOf, type LogState, type LogTable } from './logs.ts';
import type { MoveLog } from './moves.ts';
import type { Mutation, TimedMutation } from './mutation-types.ts';
import { Mutator } from './mutations.ts';
import { Pending } from './pending.ts';
import { NamespaceReader } from './reader.ts';
import { type Ahead, extentsOfBatch } from './readiness.ts';
import { seal } from './seal.ts';
import { type InodeState, isDirectory } from './state.ts';
import type { Store } from './store.ts';
import type { Tree } from './tree.ts';
import type {
  AppliedBatch,
  AttributeGroups,
  BatchReadiness,
  CommitState,
  ConflictRecord,
  ContentChange,
  DirectoryListing,
  FrozenCommit,
  InodeRecord,
  JournalRecord,
  LogEntry,
  LogName,
  Namespace,
  NamespaceOptions,
  NamespaceStatistics,
  NewInode,
  RenameOptions,
  RenameResult,
  ShownName,
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
  readonly #commits: CommitWriter;
  readonly #mutator: Mutator;
  readonly #reader: NamespaceReader;
  readonly #incoming: IncomingBatches;
  #own: LogState;
  #pending = new Pending();
  #journal: JournalRecord[] = [];
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
    this.#commits = new CommitWriter({ ...parts, usable: () => this.#usable() });
    this.wasClean = parts.wasClean;
    this.#mutator = new Mutator(this.#tree, () => this.#pending);
    this.#reader = new NamespaceReader({ ...parts, mutator: this.#mutator });
    this.#incoming = new IncomingBatches({ ...parts, seal: () => this.#seal() });
    if (parts.wasClean) this.#endRecovery();
  }

  get ownLog(): LogEntry {
    return entryOf(this.#own);
  }

  get commit(): CommitState {
    const { number, chainHash: chain, marks } = this.#commits.last;
    return { number, chainHash: chain, marks };
  }

  // ---- reads

  inode(inode: InodeNumber): InodeRecord | undefined {
    return this.#reader.inode(inode);
  }

  lookup(parent: InodeNumber, name: Uint8Array): InodeRecord | undefined {
    return this.#reader.lookup(parent, name);
  }

  readDirectory(inode: InodeNumber): DirectoryListing {
    return this.#reader.readDirectory(inode);
  }

  parentOf(directory: InodeNumber): InodeNumber {
    return this.#reader.parentOf(directory);
  }

  extents(inode: InodeNumber, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[] {
    return this.#reader.extents(inode, range);
  }

  extendedAttribute(inode: InodeNumber, name: Uint8Array): Uint8Array | undefined {
    return this.#reader.extendedAttribute(inode, name);
  }

  extendedAttributeNames(inode: InodeNumber): readonly Uint8Array[] {
    return this.#reader.extendedAttributeNames(inode);
  }

  pathsOf(inode: InodeNumber): readonly Uint8Array[] {
    return this.#reader.pathsOf(inode);
  }

  namesOf(inode: InodeNumber): readonly ShownName[] {
    return this.#reader.namesOf(inode);
  }

  statistics(): NamespaceStatistics {
    return this.#reader.statistics();
  }

  conflicts(): readonly ConflictRecord[] {
    return this.#reader.conflicts();
  }

  allExtents(): AsyncGenerator<{ readonly inode: InodeNumber; readonly extents: readonly Extent[] }> {
    return this.#reader.allExtents();
  }

  snapshot(): RecordSource {
    return this.#store.snapshot();
  }

  // ---- local mutations

  createInode(node: NewInode): InodeRecord {
    assert(this.#own.inodeCounter + 1 < INODE_COUNTER_LIMIT, 'a log makes fewer than 2^36 inodes');
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
        this.#incoming.apply(this.#incoming.decode(mutation.bytes), mutation.bytes);
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
    if (this.#commits.failure === undefined) return;
    throw new PacketFsError('PFS_IO', 'A commit failed: the namespace is read-only until it is opened again', {
      cause: this.#commits.failure,
    });
  }

  /** Nobody has an orphan open that was there before this process. */
  #endRecovery(): void {
    this.#recovering = false;
    for (const inode of [...this.#tree.orphans]) this.#tree.reap(this.#tree.require(inode));
  }

  // ---- repair

  async repair(request: NamespaceRepair): Promise<RepairOutcome> {
    this.#writable();
    return await repairTree(this.#tree, request);
  }

  adopt(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): void {
    const state = this.#mutator.live(inode);
    if (!isDirectory(state)) {
      this.link(inode, parent, name);
      return;
    }
    this.#writable();
    this.#mutator.adoptDirectory(state, this.#mutator.parent(parent), name);
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
    if (mutation.kind === 'applied') return extentsOfBatch(this.#incoming.decode(mutation.bytes), this.#logs);
    return extentsOfMutation(record);
  }

  // ---- commit

  get pending(): boolean {
    return this.#store.hasChanges || !this.#pending.isEmpty || this.#logs.all().some((log) => log.dirty);
  }

  freeze(): FrozenCommit | undefined {
    this.#usable(); // not #writable: between two journals of a recovery, the second may still speak of orphans
    assert(!this.#commits.isWriting, 'the last freeze is written before the next one');
    const before = this.#logs.all().map((log) => log.durableSequence);
    this.#seal();
    if (!this.pending) return undefined;
    const counts = { clock: this.#clock.last, inodes: this.#tree.inodeCount };
    return { ...this.#commits.freeze({ before, counts }), ownSequence: this.#own.sequence };
  }

  async startEpoch(): Promise<LogEntry> {
    this.#usable();
    assert(this.#pending.isEmpty, 'an epoch starts before the first mutation');
    this.#own = this.#logs.add({ node: this.#options.node, epoch: this.#own.epoch + 1 }, { own: true });
    const own = this.#own;
    await this.#commits.write([{ type: 'put', key: logKey(own.number), value: this.#logs.encode(own) }]);
    own.dirty = false;
    return entryOf(own);
  }

  #seal(): void {
    if (!this.#pending.isEmpty) {
      const clock = this.#clock.tick();
      const { checkOfRuns } = this.#options;
      const maker = new BatchMaker({ own: this.#own, logs: this.#logs, clock, checkOfRuns });
      const pending = this.#pending;
      seal({
        pending,
        maker,
        tree: this.#tree,
        moves: this.#moves,
        extentsOf: (state) => this.#reader.extentsOf(state),
      });
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
    return this.#incoming.readiness(bytes, holds, ahead);
  }

  apply(bytes: Uint8Array): AppliedBatch | undefined {
    this.#writable();
    const batch = this.#incoming.decode(bytes);
    for (const name of batch.logs) this.numberOfLog(name);
    const applied = this.#incoming.apply(batch, bytes);
    if (applied !== undefined) this.#record({ now: this.#clock.now(), mutation: { kind: 'applied', bytes } });
    return applied;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    assert(
      !this.#commits.isWriting || this.#commits.failure !== undefined,
      'the last freeze is written before the namespace is closed',
    );
    const clean = this.#commits.failure === undefined && !this.pending;
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
