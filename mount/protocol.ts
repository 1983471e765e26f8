// The packed batches between the FUSE threads and JavaScript, as native/core/fuse/protocol.h lists them byte by byte; a
// test holds both together. Decoding is a cursor over the batch (no object per request or field), encoding fills one
// buffer that is used again for every batch.
import { assert } from '../src/base/assert.ts';
import type { InodeAttributes, VolumeStatistics } from '../src/volume/volume.ts';

export const OPCODES = {
  lookup: 1,
  forget: 2,
  getAttributes: 3,
  setAttributes: 4,
  readLink: 5,
  makeNode: 6,
  makeDirectory: 7,
  symlink: 8,
  unlink: 9,
  removeDirectory: 10,
  link: 11,
  rename: 12,
  open: 13,
  create: 14,
  flush: 15,
  release: 16,
  fsync: 17,
  readDirectory: 18,
  releaseDirectory: 19,
  statistics: 20,
  setExtendedAttribute: 21,
  getExtendedAttribute: 22,
  listExtendedAttributes: 23,
  removeExtendedAttribute: 24,
  synced: 25,
  created: 26,
  changedAttributes: 27,
} as const;

export type OpcodeName = keyof typeof OPCODES;

export const REPLY_KINDS = {
  done: 0,
  entry: 1,
  noEntry: 2,
  attributes: 3,
  create: 4,
  open: 5,
  bytes: 6,
  size: 7,
  statistics: 8,
  directory: 9,
} as const;

export const RECORD_ALIGNMENT = 8;
export const REQUEST_HEADER_BYTES = 40;
export const REPLY_HEADER_BYTES = 24;
export const ATTRIBUTES_BYTES = 80;
export const STATISTICS_BYTES = 48;
export const DIRECTORY_ENTRY_BYTES = 24;
/** Set-user-id and set-group-id bits go with this truncation, or after this write. */
export const CLEAR_SET_ID = 2048;
/** Of readDirectory: the kernel asks for attributes too; it may keep what it reads. */
export const READ_WITH_ATTRIBUTES = 1;
export const READ_IS_KEPT = 2;
export const REPLY_KEEP_CACHE = 1;
export const REPLY_NEW_INODE = 2;
export const REPLY_NAME_MISSING = 4;
export const REPLY_PLAIN_DIRECTORY = 8;
/** The smallest buffer of getdents(2) that a C library has: musl's. */
export const SMALL_LISTING_BYTES = 2048;
export const ENTRY_HAS_ATTRIBUTES = 1;
export const ENTRY_UNCOUNTED = 2;

export const alignRecord = (length: number): number => Math.ceil(length / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;

/** One request of a batch at a time; `next` moves on, after which everything read before is stale but copied bytes. */
export class RequestCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #next = 0;

  constructor(batch: Uint8Array) {
    this.#bytes = batch;
    this.#view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  next(): boolean {
    this.#at = this.#next;
    if (this.#at >= this.#bytes.length) return false;
    const length = this.#view.getUint32(this.#at, true);
    assert(
      length >= REQUEST_HEADER_BYTES && this.#at + length <= this.#bytes.length,
      'a request record fits its batch',
    );
    this.#next = this.#at + length;
    return true;
  }

  get opcode(): number {
    return this.#view.getUint16(this.#at + 4, true);
  }
  get id(): bigint {
    return this.#view.getBigUint64(this.#at + 8, true);
  }
  get inode(): bigint {
    return this.#view.getBigUint64(this.#at + 16, true);
  }
  get uid(): number {
    return this.u32(24);
  }
  get gid(): number {
    return this.u32(28);
  }
  get pid(): number {
    return this.u32(32);
  }
  get umask(): number {
    return this.u32(36);
  }
  /** `offset` as protocol.h gives it, from the start of the record. */
  u32(offset: number): number {
    return this.#view.getUint32(this.#at + offset, true);
  }
  u64(offset: number): bigint {
    return this.#view.getBigUint64(this.#at + offset, true);
  }
  i64(offset: number): bigint {
    return this.#view.getBigInt64(this.#at + offset, true);
  }
  /** A copy of the first name; `offset` is where the opcode's fields end. */
  name(offset: number = REQUEST_HEADER_BYTES): Uint8Array {
    const start = this.#at + offset;
    return this.#bytes.slice(start, start + this.#nameLength);
  }
  /** A copy of the bytes after the first name. */
  trailing(offset: number, length: number): Uint8Array {
    const start = this.#at + offset + this.#nameLength;
    return this.#bytes.slice(start, start + length);
  }

  get #nameLength(): number {
    return this.#view.getUint16(this.#at + 6, true);
  }
}

export interface ListedEntry {
  readonly name: Uint8Array;
  readonly inode: bigint;
  readonly mode: number;
  /** Where reading goes on after this entry. */
  readonly nextOffset: number;
  /** With a lookup counted, unless the entry is `.` or `..`. */
  readonly attributes: InodeAttributes | undefined;
}

/** What a request did to directories, so that the session knows their attributes without asking. */
export interface Effects {
  /** Those that the request names, as they are now. */
  readonly directories: readonly InodeAttributes[];
  /** Other inodes whose attributes changed. */
  readonly forgotten: readonly bigint[];
  /** The inode that the reply is about has just been made: nobody has given it names or attributes. */
  readonly isNew: boolean;
  /** Its directory lacks the name that the request took away: no conflict, whiteout or exchange has left it one. */
  readonly isNameMissing: boolean;
  /** The directory has no access list for what is made in it. */
  readonly isPlain: boolean;
}

/** What a request is answered with. */
export type Reply =
  | { readonly kind: 'done'; readonly effects?: Effects }
  | { readonly kind: 'error'; readonly errno: number }
  | { readonly kind: 'entry'; readonly attributes: InodeAttributes; readonly effects?: Effects }
  | { readonly kind: 'noEntry' }
  | { readonly kind: 'attributes'; readonly attributes: InodeAttributes }
  | {
      readonly kind: 'create';
      readonly attributes: InodeAttributes;
      readonly keepCache: boolean;
      readonly effects?: Effects;
    }
  | { readonly kind: 'open'; readonly keepCache: boolean }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly size: number }
  | { readonly kind: 'statistics'; readonly statistics: VolumeStatistics }
  | {
      readonly kind: 'directory';
      readonly entries: readonly ListedEntry[];
      /** What the whole listing takes of a getdents(2) buffer, where the kernel may keep it; else 0. */
      readonly smallBytes: number;
    };

export const DONE: Reply = { kind: 'done' };

/** Of the number of an inode whose attributes changed. */
const FORGOTTEN_BYTES = 8;
const INITIAL_BATCH_BYTES = 64 * 1024;

/** Packs replies; `take` gives what was packed, valid until the next `append`. */
export class ReplyBatch {
  #bytes = new Uint8Array(INITIAL_BATCH_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  append(id: bigint, reply: Reply): void {
    const payload = payloadBytes(reply);
    const start = this.#length;
    const length = alignRecord(REPLY_HEADER_BYTES + payload);
    this.#reserve(length);
    this.#bytes.fill(0, start, start + length);
    const view = this.#view;
    view.setUint32(start, length, true);
    view.setUint16(start + 4, reply.kind === 'error' ? REPLY_KINDS.done : REPLY_KINDS[reply.kind], true);
    view.setBigUint64(start + 8, id, true);
    this.#payload(start, reply);
    this.#length = start + length;
  }

  take(): Uint8Array {
    const packed = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return packed;
  }

  #payload(start: number, reply: Reply): void {
    const view = this.#view;
    const body = start + REPLY_HEADER_BYTES;
    switch (reply.kind) {
      case 'noEntry':
        return;
      case 'done':
        this.#effects(start, body, reply.effects);
        return;
      case 'error':
        view.setInt32(start + 16, reply.errno, true);
        return;
      case 'attributes':
        this.#attributes(body, reply.attributes);
        return;
      case 'entry':
      case 'create':
        view.setUint16(start + 6, reply.kind === 'create' && reply.keepCache ? REPLY_KEEP_CACHE : 0, true);
        this.#attributes(body, reply.attributes);
        this.#effects(start, body + ATTRIBUTES_BYTES, reply.effects);
        return;
      case 'open':
        view.setUint16(start + 6, reply.keepCache ? REPLY_KEEP_CACHE : 0, true);
        return;
      case 'bytes':
        view.setUint32(start + 20, reply.bytes.length, true);
        this.#bytes.set(reply.bytes, body);
        return;
      case 'size':
        view.setUint32(start + 20, reply.size, true);
        return;
      case 'statistics':
        this.#statistics(body, reply.statistics);
        return;
      case 'directory':
        view.setUint32(start + 16, reply.smallBytes, true);
        view.setUint32(start + 20, reply.entries.length, true);
        this.#entries(body, reply.entries);
    }
  }

  #effects(start: number, body: number, effects: Effects | undefined): void {
    if (effects === undefined) return;
    const view = this.#view;
    const flags =
      (effects.isNew ? REPLY_NEW_INODE : 0) |
      (effects.isNameMissing ? REPLY_NAME_MISSING : 0) |
      (effects.isPlain ? REPLY_PLAIN_DIRECTORY : 0);
    if (flags !== 0) view.setUint16(start + 6, view.getUint16(start + 6, true) | flags, true);
    view.setUint16(start + 20, effects.directories.length, true);
    view.setUint16(start + 22, effects.forgotten.length, true);
    let at = body;
    for (const directory of effects.directories) {
      this.#attributes(at, directory);
      at += ATTRIBUTES_BYTES;
    }
    for (const inode of effects.forgotten) {
      view.setBigUint64(at, inode, true);
      at += FORGOTTEN_BYTES;
    }
  }

  #attributes(at: number, attributes: InodeAttributes): void {
    const view = this.#view;
    view.setBigUint64(at, attributes.inode, true);
    view.setBigUint64(at + 8, BigInt(attributes.generation), true);
    view.setUint32(at + 16, attributes.mode, true);
    view.setUint32(at + 20, attributes.links, true);
    view.setUint32(at + 24, attributes.uid, true);
    view.setUint32(at + 28, attributes.gid, true);
    view.setUint32(at + 32, attributes.device, true);
    view.setBigUint64(at + 40, attributes.size, true);
    view.setBigUint64(at + 48, attributes.blocks, true);
    view.setBigInt64(at + 56, attributes.accessed, true);
    view.setBigInt64(at + 64, attributes.modified, true);
    view.setBigInt64(at + 72, attributes.changed, true);
  }

  #statistics(at: number, statistics: VolumeStatistics): void {
    const view = this.#view;
    view.setBigUint64(at, BigInt(statistics.blockSize), true);
    view.setBigUint64(at + 8, statistics.blocks, true);
    view.setBigUint64(at + 16, statistics.blocksFree, true);
    view.setBigUint64(at + 24, statistics.blocksAvailable, true);
    view.setBigUint64(at + 32, statistics.files, true);
    view.setBigUint64(at + 40, statistics.filesFree, true);
  }

  #entries(start: number, entries: readonly ListedEntry[]): void {
    const view = this.#view;
    let at = start;
    for (const entry of entries) {
      const flags = entry.attributes === undefined ? ENTRY_UNCOUNTED : ENTRY_HAS_ATTRIBUTES;
      view.setBigUint64(at, BigInt(entry.nextOffset), true);
      view.setUint16(at + 8, entry.name.length, true);
      view.setUint16(at + 10, flags, true);
      view.setUint32(at + 12, entry.mode, true);
      view.setBigUint64(at + 16, entry.inode, true);
      at += DIRECTORY_ENTRY_BYTES;
      if (entry.attributes !== undefined) {
        this.#attributes(at, entry.attributes);
        at += ATTRIBUTES_BYTES;
      }
      this.#bytes.set(entry.name, at);
      at += alignRecord(entry.name.length);
    }
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function payloadBytes(reply: Reply): number {
  switch (reply.kind) {
    case 'done':
      return effectsBytes(reply.effects);
    case 'attributes':
      return ATTRIBUTES_BYTES;
    case 'entry':
    case 'create':
      return ATTRIBUTES_BYTES + effectsBytes(reply.effects);
    case 'bytes':
      return reply.bytes.length;
    case 'statistics':
      return STATISTICS_BYTES;
    case 'directory':
      return reply.entries.reduce((total, entry) => total + entryBytes(entry), 0);
    default:
      return 0;
  }
}

const effectsBytes = (effects: Effects | undefined): number =>
  effects === undefined
    ? 0
    : effects.directories.length * ATTRIBUTES_BYTES + effects.forgotten.length * FORGOTTEN_BYTES;

const entryBytes = (entry: ListedEntry): number =>
  DIRECTORY_ENTRY_BYTES + (entry.attributes === undefined ? 0 : ATTRIBUTES_BYTES) + alignRecord(entry.name.length);
