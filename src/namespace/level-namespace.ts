// The namespace over Level: puts the room's parts together behind the interface of types.ts. Local changes
// (local-changes.ts) are pending until seal.ts makes operations of them, before a freeze and before a peer's batch is
// applied, so that every own batch has seen exactly the batches that were applied before it.

import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import type { InodeNumber, LogNumber, Nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { BatchMaker } from './batch-maker.ts';
import type { BatchStore } from './batch-store.ts';
import { staleParts } from './change-set.ts';
import { type NamespaceRepair, type RepairOutcome, repairTree } from './check/repair.ts';
import type { RecordSource } from './check/source.ts';
import { CommitWriter } from './commit-writer.ts';
import type { Commit } from './commits.ts';
import type { ConflictTable } from './conflicts.ts';
import type { HybridClock } from './hybrid-clock.ts';
import { IncomingBatches } from './incoming.ts';
import { decodeMutation, extentsOfMutation } from './journal-records.ts';
import { logKey, stateKey } from './keys.ts';
import { LocalChanges } from './local-changes.ts';
import { entryOf, type LogState, type LogTable } from './logs.ts';
import type { MoveLog } from './moves.ts';
import { NamespaceReader } from './reader.ts';
import { type Ahead, extentsOfBatch } from './readiness.ts';
import { seal } from './seal.ts';
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
  StaleParts,
  StoredBatch,
} from './types.ts';

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
  readonly #local: LocalChanges;
  readonly #reader: NamespaceReader;
  readonly #incoming: IncomingBatches;
  #own: LogState;
  #closed = false;

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
    this.#incoming = new IncomingBatches({ ...parts, seal: () => this.#seal() });
    this.#local = new LocalChanges({
      ...parts,
      ownLog: () => this.#own,
      usable: () => this.#usable(),
      applyBatch: (bytes) => this.#incoming.apply(this.#incoming.decode(bytes), bytes),
    });
    this.#reader = new NamespaceReader({ ...parts, mutator: this.#local.mutator });
    if (parts.wasClean) this.#local.endRecovery();
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

  nameCount(directory: InodeNumber): number {
    return this.#reader.nameCount(directory);
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
    return this.#local.createInode(node);
  }

  reserveInodes(count: number): InodeNumber {
    return this.#local.reserveInodes(count);
  }

  createJournaled(node: NewInode & { readonly inode: InodeNumber }, now: Nanoseconds): InodeRecord {
    return this.#local.createJournaled(node, now);
  }

  setAttributesJournaled(inode: InodeNumber, groups: AttributeGroups, now: Nanoseconds): void {
    this.#local.setAttributesJournaled(inode, groups, now);
  }

  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeRecord {
    return this.#local.link(inode, parent, name);
  }

  unlink(parent: InodeNumber, name: Uint8Array): InodeRecord {
    return this.#local.unlink(parent, name);
  }

  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeRecord {
    return this.#local.removeDirectory(parent, name);
  }

  rename(options: RenameOptions): RenameResult {
    return this.#local.rename(options);
  }

  setAttributes(inode: InodeNumber, groups: AttributeGroups): InodeRecord {
    return this.#local.setAttributes(inode, groups);
  }

  setContent(inode: InodeNumber, change: ContentChange): InodeRecord {
    return this.#local.setContent(inode, change);
  }

  setExtendedAttribute(
    inode: InodeNumber,
    name: Uint8Array,
    value: Uint8Array,
    mode: 'any' | 'create' | 'replace',
  ): void {
    this.#local.setExtendedAttribute(inode, name, value, mode);
  }

  removeExtendedAttribute(inode: InodeNumber, name: Uint8Array): void {
    this.#local.removeExtendedAttribute(inode, name);
  }

  reap(inode: InodeNumber): void {
    this.#local.reap(inode);
  }

  takeVanished(): StaleParts | undefined {
    const vanished = this.#tree.takeVanished();
    return vanished && staleParts(vanished);
  }

  #usable(): void {
    this.#store.settle();
    if (this.#closed) throw new PacketFsError('PFS_CLOSED', 'The namespace is closed');
    if (this.#commits.failure === undefined) return;
    throw new PacketFsError('PFS_IO', 'A commit failed: the namespace is read-only until it is opened again', {
      cause: this.#commits.failure,
    });
  }

  // ---- repair

  async repair(request: NamespaceRepair): Promise<RepairOutcome> {
    this.#local.writable();
    return await repairTree(this.#tree, request);
  }

  adopt(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): void {
    this.#local.adopt(inode, parent, name);
  }

  // ---- journal

  takeJournal(): readonly JournalRecord[] {
    return this.#local.takeJournal();
  }

  replay(record: JournalRecord): void {
    this.#local.replay(record);
  }

  replayContent(inode: InodeNumber, change: ContentChange): void {
    this.#local.replayContent(inode, change);
  }

  extentsOfJournalRecord(record: JournalRecord): readonly Extent[] {
    const { mutation } = decodeMutation(record);
    if (mutation.kind === 'applied') return extentsOfBatch(this.#incoming.decode(mutation.bytes), this.#logs);
    return extentsOfMutation(record);
  }

  // ---- commit

  get pending(): boolean {
    return this.#store.hasChanges || !this.#local.pending.isEmpty || this.#logs.all().some((log) => log.dirty);
  }

  freeze(): FrozenCommit | undefined {
    this.#usable(); // not writable(): between two journals of a recovery, the second may still speak of orphans
    assert(!this.#commits.isWriting, 'the last freeze is written before the next one');
    const before = this.#logs.all().map((log) => log.durableSequence);
    this.#seal();
    if (!this.pending) return undefined;
    const counts = { clock: this.#clock.last, inodes: this.#tree.inodeCount };
    return { ...this.#commits.freeze({ before, counts }), ownSequence: this.#own.sequence };
  }

  async startEpoch(): Promise<LogEntry> {
    this.#usable();
    assert(this.#local.pending.isEmpty, 'an epoch starts before the first mutation');
    this.#own = this.#logs.add({ node: this.#options.node, epoch: this.#own.epoch + 1 }, { own: true });
    const own = this.#own;
    await this.#commits.write([{ type: 'put', key: logKey(own.number), value: this.#logs.encode(own) }]);
    own.dirty = false;
    return entryOf(own);
  }

  #seal(): void {
    if (!this.#local.pending.isEmpty) {
      const clock = this.#clock.tick();
      const { checkOfRuns } = this.#options;
      const maker = new BatchMaker({ own: this.#own, logs: this.#logs, clock, checkOfRuns });
      seal({
        pending: this.#local.pending,
        maker,
        tree: this.#tree,
        moves: this.#moves,
        extentsOf: (state) => this.#reader.extentsOf(state),
      });
      for (const { firstSequence, bytes } of maker.finish()) this.#batches.add(this.#own.number, firstSequence, bytes);
      this.#local.clearPending();
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
    this.#local.record({ kind: 'log', name: { node: log.node, epoch: log.epoch }, number: log.number });
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
    this.#local.writable();
    const batch = this.#incoming.decode(bytes);
    for (const name of batch.logs) this.numberOfLog(name);
    const applied = this.#incoming.apply(batch, bytes);
    if (applied !== undefined) this.#local.record({ kind: 'applied', bytes });
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
