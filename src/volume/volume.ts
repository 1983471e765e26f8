// The filesystem as the mount sees it. Metadata calls are synchronous over the namespace's in-memory overlay, so no
// invariant is broken by an interleaved request; calls that move bytes or wait for the disk are promises. Failures are
// PacketFsError with the filesystem codes of src/base/errors.ts.
import type { ContentPatch } from '../addon/native.ts';
import type { FileOffset, InodeNumber, Nanoseconds } from '../base/units.ts';
import type { AttributeGroups } from '../namespace/types.ts';
import type { PostingSession } from './posts.ts';

export type InodeKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character-device' | 'block-device';

export interface InodeAttributes {
  readonly inode: InodeNumber;
  readonly generation: number;
  /** st_mode: type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly device: number;
  readonly size: bigint;
  /** In 512-byte units, as st_blocks. */
  readonly blocks: bigint;
  readonly accessed: Nanoseconds;
  readonly modified: Nanoseconds;
  readonly changed: Nanoseconds;
}

export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

export type TimeChange = Nanoseconds | 'now';

export interface AttributeChanges {
  readonly mode?: number; // permission bits
  readonly clearSetId?: boolean; // as after a write by one who may not keep set-id bits
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: bigint;
  readonly accessed?: TimeChange;
  readonly modified?: TimeChange;
}

export interface DirectoryEntry {
  readonly name: Uint8Array;
  readonly inode: InodeNumber;
  readonly mode: number;
}

/** Entries are made as they are read, so a huge directory is listed without an object for each name. */
export interface DirectoryListing extends Iterable<DirectoryEntry> {
  readonly length: number;
  at(index: number): DirectoryEntry | undefined;
}

export interface NewNode {
  readonly parent: InodeNumber;
  /** Undefined: a file without a name (O_TMPFILE), which `link` may give one. */
  readonly name: Uint8Array | undefined;
  readonly mode: number; // type and permission bits, umask already applied
  readonly device?: number;
  readonly target?: Uint8Array; // symbolic link
  readonly caller: Caller;
}

export interface JournaledAttributes {
  readonly now: Nanoseconds;
  /** Of a time of modification: its number, as patches count them (ContentPatch.overrides). */
  readonly override: number;
  readonly groups: AttributeGroups;
}

export interface CreatedFile {
  readonly inode: InodeNumber;
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly now: Nanoseconds;
  /** Opened so that it can be written. */
  readonly write: boolean;
}

export interface VolumeStatistics {
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly blocksFree: bigint;
  readonly blocksAvailable: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
}

/** What a remote change made stale in a kernel's caches. */
export interface Invalidation {
  readonly inodes: readonly InodeNumber[];
  readonly entries: readonly { readonly parent: InodeNumber; readonly name: Uint8Array }[];
}

/** An inode that is taken or given here is a node as the kernel knows it (nodes.ts), for directories the inode itself. */
export interface FileSystem {
  lookup(parent: InodeNumber, name: Uint8Array): InodeAttributes;
  /** Without counting a look-up. */
  hasName(parent: InodeNumber, name: Uint8Array): boolean;
  getAttributes(inode: InodeNumber): InodeAttributes;
  /** With `size` it waits for the native content; else it settles at once. */
  setAttributes(inode: InodeNumber, changes: AttributeChanges): Promise<InodeAttributes> | InodeAttributes;
  createNode(node: NewNode): InodeAttributes;
  /** Inode numbers that nobody else gets, the first of as many in a row: for files that a session makes itself. */
  reserveInodes(count: number): InodeNumber;
  /** A session has made a file, opened it, and put both into the journal. */
  noteCreated(file: CreatedFile): void;
  /** A session has changed attributes of a file and put that into the journal. */
  noteAttributes(inode: InodeNumber, change: JournaledAttributes): void;
  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeAttributes;
  /** Gives what lost the name. */
  unlink(parent: InodeNumber, name: Uint8Array): InodeNumber;
  /** Gives what was removed. */
  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeNumber;
  /** Gives what was moved, and what was replaced or went the other way. */
  rename(options: {
    readonly parent: InodeNumber;
    readonly name: Uint8Array;
    readonly newParent: InodeNumber;
    readonly newName: Uint8Array;
    readonly flags: 'replace' | 'noreplace' | 'exchange';
  }): Promise<readonly InodeNumber[]> | readonly InodeNumber[];
  readLink(inode: InodeNumber): Uint8Array;
  /** A snapshot, without `.` and `..`, in a fixed order. */
  readDirectory(inode: InodeNumber): DirectoryListing;
  parentOf(directory: InodeNumber): InodeNumber;
  getExtendedAttribute(inode: InodeNumber, name: Uint8Array): Uint8Array;
  setExtendedAttribute(
    inode: InodeNumber,
    name: Uint8Array,
    value: Uint8Array,
    mode: 'any' | 'create' | 'replace',
  ): void;
  removeExtendedAttribute(inode: InodeNumber, name: Uint8Array): void;
  listExtendedAttributes(inode: InodeNumber): readonly Uint8Array[];

  /** Makes the inode's content known to the native content store; one `release` per `open`. `keepCache`: content
   * unchanged since the last open, the kernel may keep its pages. */
  open(
    inode: InodeNumber,
    options: { readonly write: boolean; readonly truncate: boolean },
  ): Promise<{ keepCache: boolean }> | { keepCache: boolean };
  /** The session has ingested the inode (close(2)); its changes become a content version now. */
  flush(inode: InodeNumber): void;
  release(inode: InodeNumber, options: { readonly write: boolean }): void;
  isOpenForWriting(inode: InodeNumber): boolean;
  /** Ingests, makes a version, and makes durable what was done before the call. */
  fsync(inode: InodeNumber): Promise<void>;
  /** The session has answered an fsync by the journal alone: its bytes are in the next commit. */
  noteSynced(): void;
  /** The kernel has it from a look-up, or a listing with attributes, and has not forgotten it. */
  isHeld(inode: InodeNumber): boolean;
  /** The kernel forgot the inode; unlinked inodes without handles may go. */
  forget(inode: InodeNumber, lookups: number): void;
  statistics(): VolumeStatistics;
  /** Writes the journal records of everything done since the last call; before the requests are answered. */
  flushJournal(): void;
  /** For a session that answers changes itself (posts.ts). */
  onSuspendPosts(session: PostingSession): () => void;
  /** `queuedCount`: how many the kernel has not taken yet. */
  onInvalidate(listener: {
    readonly invalidate: (invalidation: Invalidation) => void;
    readonly queuedCount: () => number;
  }): () => void;
}

export type { ContentPatch, FileOffset };
