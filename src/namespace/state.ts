// What the namespace keeps of an inode, decoded. `record` is replaced, never changed in place, because callers hold on
// to it; the rest is changed in place by tree.ts, content.ts and the merge rules. A stamp that is undefined belongs to
// a local change that has no sequence number yet: it is newer than every other.
import type { InodeNumber, LogNumber } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import type { NameTable } from './name-table.ts';
import type { InodeRecord } from './types.ts';

export const TYPE_MASK = 0o170000;
export const TYPE_DIRECTORY = 0o040000;
export const TYPE_FILE = 0o100000;
export const TYPE_LINK = 0o120000;

/** Which operation wrote a register, and when. */
export interface Stamp {
  readonly clock: bigint;
  readonly log: LogNumber;
  readonly sequence: bigint;
}

export interface NameLink {
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
  /** The tag of the observed-remove set: the operation that added the name. */
  readonly stamp: Stamp | undefined;
}

export interface LogCount {
  readonly log: LogNumber;
  readonly sequence: bigint;
}

/** A name that unlinks took away; an edit that has not seen one of them cancels it. */
export interface DeadLink {
  readonly link: NameLink;
  removals: LogCount[];
}

export interface ExtendedValue {
  readonly name: Uint8Array;
  /** Undefined: removed; kept so that an older value does not come back. */
  readonly value: Uint8Array | undefined;
  readonly stamp: Stamp | undefined;
}

export interface DirectoryState {
  readonly names: NameTable;
  /** Names that more than one inode has, as map keys. */
  readonly crowded: Set<string>;
  readonly dirtyPages: Set<number>;
  /** Pages that take new names although they are not the last. */
  readonly roomyPages: Set<number>;
}

export interface ExtentPageState {
  readonly page: number;
  first: bigint;
  /** Undefined: not loaded. */
  extents: readonly Extent[] | undefined;
}

/** Extents in pages, sorted; one page without number where they fit into the inode's record. */
export interface ContentState {
  pages: ExtentPageState[];
  nextPage: number;
  readonly dirtyPages: Set<number>;
  readonly removedPages: Set<number>;
  indexDirty: boolean;
}

export type Register = 'mode' | 'owner' | 'modified' | 'content';
export const REGISTERS: readonly Register[] = ['mode', 'owner', 'modified', 'content'];

export interface InodeState {
  readonly inode: InodeNumber;
  record: InodeRecord;
  /** Whether an operation for its creation exists. */
  replicated: boolean;
  stamps: Record<Register, Stamp | undefined>;
  links: NameLink[];
  deadLinks: DeadLink[];
  edits: LogCount[];
  /** Of a directory. */
  position: NameLink | undefined;
  removed: Stamp | undefined;
  subdirectories: number;
  namePages: number;
  reaped: boolean;
  /** Reaped, and no peer ever heard of it: the next commit deletes its records. */
  gone: boolean;
  hasExtended: boolean;
  extended: Map<string, ExtendedValue> | undefined;
  directory: DirectoryState | undefined;
  content: ContentState | undefined;
  /** Where few, the extents as the record holds them. */
  inlineExtents: readonly Extent[];
  hasPages: boolean;
  /** The store's cache has it: changes of what was dropped would be lost. */
  cached: boolean;
  dirty: boolean;
  /** Changed, and the change is not durable: it may not be dropped. */
  pinned: boolean;
  /** What the cache counts for it. */
  bytes: number;
  extendedDirty: boolean;
  /** Used since the cache last looked. */
  used: boolean;
}

export const isDirectory = (state: InodeState): boolean => (state.record.mode & TYPE_MASK) === TYPE_DIRECTORY;
export const isFile = (state: InodeState): boolean => (state.record.mode & TYPE_MASK) === TYPE_FILE;

const TEXT = 'latin1';
/** The map key of a name; bytes and string convert one to one. */
export const nameKey = (name: Uint8Array): string =>
  Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString(TEXT);
export const nameBytes = (key: string): Uint8Array => Buffer.from(key, TEXT);

export function newState(record: InodeRecord): InodeState {
  return {
    inode: record.inode,
    record,
    replicated: false,
    stamps: { mode: undefined, owner: undefined, modified: undefined, content: undefined },
    links: [],
    deadLinks: [],
    edits: [],
    position: undefined,
    removed: undefined,
    subdirectories: 0,
    namePages: 0,
    reaped: false,
    gone: false,
    hasExtended: false,
    extended: undefined,
    directory: undefined,
    content: undefined,
    inlineExtents: [],
    hasPages: false,
    cached: false,
    dirty: false,
    pinned: false,
    bytes: 0,
    extendedDirty: false,
    used: true,
  };
}
