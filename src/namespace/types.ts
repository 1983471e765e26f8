// The namespace's interface to the volume: reads, local mutations, freezing what is pending for a commit, applying a
// peer's batches. Implemented in open.ts (openNamespace) over Level. All calls but open, write and close
// are synchronous. What it keeps and how: docs/format/namespace.md.
import type { Clock } from '../base/clock.ts';
import type { HybridTime, InodeNumber, LogNumber, LogPosition, Nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import type { NamespaceRepair, RepairOutcome } from './check/repair.ts';
import type { RecordSource } from './check/source.ts';

export interface InodeRecord {
  readonly inode: InodeNumber;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly device: number;
  readonly size: bigint;
  /** Sum of the lengths of extents that are not holes. */
  readonly allocatedBytes: bigint;
  readonly accessed: Nanoseconds;
  readonly modified: Nanoseconds;
  readonly changed: Nanoseconds;
  readonly target: Uint8Array | undefined;
  /** Changes with every content version, local or applied; means nothing at another node. */
  readonly contentVersion: HybridTime;
}

export interface ContentChange {
  readonly size: bigint;
  /** Undefined: the modified time stays. */
  readonly modified: Nanoseconds | undefined;
  /** Ranges of the file that were replaced … */
  readonly replaced: readonly { readonly offset: bigint; readonly length: bigint }[];
  /** … and the extents that cover them now, sorted, holes explicit. */
  readonly extents: readonly Extent[];
}

/** A local change, as the journal keeps it: enough to do it again after a crash. Encoded in docs/format/namespace.md. */
export type JournalRecord = Uint8Array;

/** A log's global name (the same shape as replication's). */
export interface LogName {
  readonly node: Uint8Array;
  readonly epoch: number;
}

export interface LogEntry extends LogName {
  readonly number: LogNumber;
  /** Last operation applied, durable or not; for the own log the last one that has a sequence number. */
  readonly sequence: bigint;
  /** Last operation that is in Level. */
  readonly durableSequence: bigint;
}

export interface HighWaterMark {
  readonly log: number;
  readonly segment: number;
  readonly records: number;
  readonly dataBytes: number;
}

export interface NameEntry {
  readonly name: Uint8Array;
  readonly inode: InodeNumber;
  /** The type bits of st_mode only. */
  readonly mode: number;
}

/** Entries are made as they are read: a directory of a million names is listed in 32 MB. */
export interface DirectoryListing extends Iterable<NameEntry> {
  readonly length: number;
  at(index: number): NameEntry | undefined;
}

export interface NewInode {
  readonly parent: InodeNumber;
  /** Undefined: without a name, for `link` to give it one; never a directory. */
  readonly name: Uint8Array | undefined;
  readonly mode: number; // type and permission bits
  readonly uid: number;
  readonly gid: number;
  readonly device?: number;
  readonly target?: Uint8Array;
}

export interface AttributeGroups {
  readonly mode?: number; // permission bits; the type bits are ignored
  readonly uid?: number;
  readonly gid?: number;
  /** The access time is a node's own: it is kept, but not replicated. */
  readonly accessed?: Nanoseconds;
  readonly modified?: Nanoseconds;
}

export interface RenameOptions {
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
  readonly newParent: InodeNumber;
  readonly newName: Uint8Array;
  readonly flags: 'replace' | 'noreplace' | 'exchange';
}

export interface RenameResult {
  readonly moved: InodeRecord;
  /** What lost its name (its links may be 0 now), or what went the other way in an exchange. */
  readonly replaced: InodeRecord | undefined;
}

export interface StoredBatch {
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  /** An encoded packetfs.OperationBatch. */
  readonly bytes: Uint8Array;
}

/** What a batch needs before it can be applied (the same shape as replication's). */
export type BatchReadiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied' }
  | { readonly kind: 'waiting'; readonly log: LogName; readonly sequence: bigint }
  | {
      readonly kind: 'missing';
      readonly log: LogName;
      readonly ranges: readonly { readonly start: LogPosition; readonly end: LogPosition }[];
    };

export interface ShownName {
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
}

/** What is not any more as a kernel has it. */
export interface StaleParts {
  /** Inodes whose attributes or content changed, as they were before. */
  readonly inodes: readonly InodeRecord[];
  /** Of these, the ones whose content changed: open files need the new extents. */
  readonly contents: readonly InodeNumber[];
  readonly entries: readonly ShownName[];
  /** Inodes that lost their last name: to be reaped when nothing has them open. */
  readonly unlinked: readonly InodeNumber[];
}

export interface AppliedBatch extends StaleParts {
  readonly log: LogNumber;
  readonly lastSequence: bigint;
}

/** The content that lost when two nodes wrote one file at once. */
export interface ConflictRecord {
  readonly inode: InodeNumber;
  readonly log: LogNumber;
  readonly sequence: bigint;
  readonly clock: HybridTime;
  readonly size: bigint;
  readonly extents: readonly Extent[];
}

/** What a commit makes durable. */
export interface FrozenCommit {
  readonly number: bigint;
  /** Own operations up to this sequence become durable. */
  readonly ownSequence: bigint;
  /** Whether any operation, own or applied, is in it. */
  readonly hasOperations: boolean;
  /** One synced Level batch. The blob's bytes must be synced before. Rejects with PFS_IO and latches read-only. */
  write(marks: readonly HighWaterMark[]): Promise<void>;
}

export interface CommitState {
  readonly number: bigint;
  readonly chainHash: Uint8Array;
  readonly marks: readonly HighWaterMark[];
}

export interface NamespaceOptions {
  readonly directory: string;
  /** This node's 32-byte public key. */
  readonly node: Uint8Array;
  readonly clock: Clock;
  /** BLAKE3-256 (32 bytes). */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** Flat [address, length] pairs; undefined when a chunk that they touch is not held (NativeBlob.checkOfRuns). */
  readonly checkOfRuns: (runs: BigUint64Array) => bigint | undefined;
  /** Memory for inodes and directories that are clean; CACHED_NAMESPACE_BYTES_MAX where it is not given. */
  readonly cachedBytesMax?: number;
}

export interface NamespaceStatistics {
  /** Inodes with a name, and unlinked ones still open. */
  readonly inodes: bigint;
  /** Mutations that no commit has frozen yet. */
  readonly pendingInodes: number;
  readonly cache: CacheStatistics;
}

/** Of decoded inodes, with the names of directories. */
export interface CacheStatistics {
  readonly inodes: number;
  /** As estimated, those that changed and are not durable included. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/**
 * Failures are PacketFsError with the filesystem codes of base/errors.ts. `parent` that does not exist is PFS_NO_ENTRY
 * (PFS_STALE for an inode argument), one that is no directory PFS_NOT_DIRECTORY. The clock option gives ctime and, where
 * POSIX wants it, mtime. Inodes with links 0 stay readable until `reap`.
 */
export interface Namespace {
  /** False when the last use of this state did not end with close(): then startEpoch() has been called by open. */
  readonly wasClean: boolean;
  readonly ownLog: LogEntry;
  /** The last durable commit. */
  readonly commit: CommitState;

  // ---- reads
  inode(inode: InodeNumber): InodeRecord | undefined;
  lookup(parent: InodeNumber, name: Uint8Array): InodeRecord | undefined;
  /** As it is now, without `.` and `..`, in no order that means anything. */
  readDirectory(inode: InodeNumber): DirectoryListing;
  /** How many names a listing would have. */
  nameCount(directory: InodeNumber): number;
  /** The root is its own parent. */
  parentOf(directory: InodeNumber): InodeNumber;
  /** Extents that cover the file from 0 to its size, or the given range; holes explicit. */
  extents(inode: InodeNumber, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[];
  extendedAttribute(inode: InodeNumber, name: Uint8Array): Uint8Array | undefined;
  extendedAttributeNames(inode: InodeNumber): readonly Uint8Array[];
  /** Every path of an inode, as bytes from the root with a leading slash; empty for an unlinked one. */
  pathsOf(inode: InodeNumber): readonly Uint8Array[];
  /** Every name of an inode, as it is shown in its directory. */
  namesOf(inode: InodeNumber): readonly ShownName[];
  statistics(): NamespaceStatistics;
  conflicts(): readonly ConflictRecord[];
  /** Extents of every inode that is in Level (call it after a commit), in no order; holes left out. */
  allExtents(): AsyncGenerator<{ readonly inode: InodeNumber; readonly extents: readonly Extent[] }>;

  /** The last commit's records as they are, for a check; whoever gets it closes it. */
  snapshot(): RecordSource;

  // ---- local mutations
  createInode(node: NewInode): InodeRecord;
  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeRecord;
  /** Returns what lost its name; with links 0 it stays until reap. */
  unlink(parent: InodeNumber, name: Uint8Array): InodeRecord;
  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeRecord;
  rename(options: RenameOptions): RenameResult;
  setAttributes(inode: InodeNumber, groups: AttributeGroups): InodeRecord;
  setContent(inode: InodeNumber, change: ContentChange): InodeRecord;
  setExtendedAttribute(
    inode: InodeNumber,
    name: Uint8Array,
    value: Uint8Array,
    mode: 'any' | 'create' | 'replace',
  ): void;
  removeExtendedAttribute(inode: InodeNumber, name: Uint8Array): void;
  /** The last handle of an unlinked inode is gone. Nothing happens to an inode that has links. */
  reap(inode: InodeNumber): void;

  /** Numbers that createInode gives to nobody, the first of as many in a row. */
  reserveInodes(count: number): InodeNumber;
  /** As createInode and setAttributes, of what a journal has already, with its inode number and time. */
  createJournaled(node: NewInode & { readonly inode: InodeNumber }, now: Nanoseconds): InodeRecord;
  setAttributesJournaled(inode: InodeNumber, groups: AttributeGroups, now: Nanoseconds): void;

  // ---- repair, by the check; the commit that follows makes it durable
  /** Derives and restores in memory; makes no operations. */
  repair(request: NamespaceRepair): Promise<RepairOutcome>;
  /** Gives an inode that nothing names a name: an operation like any other. */
  adopt(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): void;

  /**
   * Directories that a peer had removed went with their last names, which local changes took: what that made stale since
   * the last call. Undefined: nothing.
   */
  takeVanished(): StaleParts | undefined;

  // ---- journal
  /** Records of everything done since the last call: mutations, applied batches, logs that got a number. */
  takeJournal(): readonly JournalRecord[];
  /** Does a record again, with the same inode numbers and times; it is not journaled again. PFS_CORRUPT if malformed. */
  replay(record: JournalRecord): void;
  /** As setContent, for bytes that only a journal had. */
  replayContent(inode: InodeNumber, change: ContentChange): void;
  /** Extents that a journal record refers to, for the check before a replay. */
  extentsOfJournalRecord(record: JournalRecord): readonly Extent[];

  // ---- commit
  /** Whether freeze() would give something. */
  readonly pending: boolean;
  /** Undefined when nothing changed. Only one at a time: the last one must have been written. */
  freeze(): FrozenCommit | undefined;
  /** A new own log (node, epoch + 1), durable when it resolves. Open does it by itself after an unclean stop; the volume
   * calls it where the blob wants it (a bad log, a clone). Before the first mutation. */
  startEpoch(): Promise<LogEntry>;

  // ---- replication
  /** Every log that has a number, the own one first. */
  logs(): readonly LogEntry[];
  log(number: LogNumber): LogEntry | undefined;
  /** The local number of a log; a new one is given, and journaled, where there is none. */
  numberOfLog(name: LogName): LogNumber;
  /** Durable batches whose last sequence is >= from, in order, at most `bytesMax` in all (at least one if any). */
  batchesFrom(log: LogNumber, from: bigint, bytesMax: number): readonly StoredBatch[];
  /**
   * PFS_CORRUPT if malformed, PFS_REFUSED if its clock is more than CLOCK_AHEAD_MAX_MS ahead. `holds`: all bytes are
   * here (the commit that follows makes them durable first). `ahead`: positions that batches applied before this one,
   * in the same commit, will have reached; they count as reached.
   */
  readiness(
    batch: Uint8Array,
    holds: (address: bigint, length: bigint) => boolean,
    ahead?: readonly { readonly log: LogName; readonly sequence: bigint }[],
  ): BatchReadiness;
  /** Applies a ready batch; it becomes durable with the next commit. Undefined when it was applied before. */
  apply(batch: Uint8Array): AppliedBatch | undefined;

  /** Marks the state clean. What is pending must have been committed. Idempotent. */
  close(): Promise<void>;
  /** Closes Level without marking the state clean: what is pending is not written, the next open is after an unclean stop. */
  abandon(): Promise<void>;
}

/** openNamespace of open.ts. */
export type OpenNamespace = (options: NamespaceOptions) => Promise<Namespace>;
