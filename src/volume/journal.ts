// The namespace's journal as the volume uses it (docs/design/0001, 0060; docs/format/namespace.md, Journal): records
// since a commit, so that what was closed survives a killed process, and what was fsynced a power cut. The addon writes
// it, because FUSE threads do too; reading it, after a stop without order, is done here.
import fs from 'node:fs';
import path from 'node:path';
import type { NativeJournal, NativeModule } from '../addon/native.ts';
import { PacketFsError } from '../base/errors.ts';
import { type InodeNumber, inodeNumber, type LogNumber, logNumber } from '../base/units.ts';
import type { JournalRecord } from '../namespace/types.ts';

/** format: first bytes of a journal. */
const MAGIC = Uint8Array.of(0x50, 0x46, 0x53, 0x4a); // "PFSJ"
const FORMAT_VERSION = 2;
const HEADER_BYTES = 28;
const HEADER_CHECKSUM_AT = 24;
const FRAME_BYTES = 9;
const FRAME_KIND_AT = 8;
const LITERAL_HEADER_BYTES = 4;
const WRITTEN_HEADER_BYTES = 24;
const RANGE_HEADER_BYTES = 16;
/** format: a longer record does not hold. */
export const JOURNAL_RECORD_BYTES_MAX = 64 * 1024 * 1024;

const FILE_PREFIX = 'namespace.journal.';

export type Crc32c = NativeModule['crc32c'];

/** A change of the namespace. */
export interface MutationEntry {
  readonly kind: 'mutation';
  readonly record: JournalRecord;
}
/** Bytes of an own log that the blob had not synced, as a literal frame. */
export interface LiteralEntry {
  readonly kind: 'literal';
  readonly log: LogNumber;
  readonly frame: Uint8Array;
}
/** Bytes of a file that were fsynced before they were in the blob. */
export interface WrittenEntry {
  readonly kind: 'written';
  readonly node: InodeNumber;
  readonly size: bigint;
  /** ns; undefined when an explicit time had been set. */
  readonly modified: bigint | undefined;
  readonly ranges: readonly { readonly offset: bigint; readonly bytes: Uint8Array }[];
}
export type JournalEntry = MutationEntry | LiteralEntry | WrittenEntry;

export interface JournalFile {
  readonly path: string;
  /** The number of the commit that the records follow: they are part of commit `follows + 1` or later. */
  readonly follows: bigint;
  readonly entries: readonly JournalEntry[];
  /** Where the last record that holds ends. */
  readonly bytes: number;
  /** Where the journal before this one ended, 0 for none: where it holds less, these records do not follow it. */
  readonly previousBytes: number;
}

export class Journal {
  readonly #native: NativeJournal;
  #pending: JournalRecord[] = [];

  constructor(native: NativeJournal) {
    this.#native = native;
  }

  /** Writes the records with one write(2). Those that could not be written are kept and tried again with the next. */
  append(records: readonly JournalRecord[]): void {
    if (records.length > 0) this.#pending.push(...records);
    if (this.#pending.length === 0) return;
    try {
      this.#native.append(this.#pending);
    } catch (cause) {
      const full = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
      throw new PacketFsError(
        full ? 'PFS_NO_SPACE' : 'PFS_IO',
        'the namespace journal cannot be written; free space in the state directory, or see its disk',
        { cause },
      );
    }
    this.#pending = [];
  }

  /** Makes durable what was appended before. After a failure only a commit tells what is on the disk. */
  sync(): Promise<void> {
    return this.#native.sync();
  }

  /**
   * Records from here on follow commit `follows`, in another file. Records that could not be written yet are part of the
   * commit that begins now. True where the file until now has fsynced bytes in it.
   */
  rotate(follows: bigint): boolean {
    this.#pending = [];
    return this.#native.rotate(follows);
  }

  /** The commit that was begun with the last rotation is durable. */
  retire(): void {
    this.#native.retire();
  }

  /** The volume writes no more. */
  refuse(): void {
    this.#native.refuse();
  }

  close(): void {
    this.#native.close();
  }
}

/** Where the records are that follow a commit. */
export const journalPath = (directory: string, follows: bigint): string =>
  path.join(directory, `${FILE_PREFIX}${follows}`);

/** Reads every journal in the directory, oldest first; reading stops within a file at its first record that does not hold. */
export function readJournals(directory: string, crc32c: Crc32c): JournalFile[] {
  const files: JournalFile[] = [];
  for (const name of fs.readdirSync(directory)) {
    const follows = followsOf(name);
    if (follows === undefined) continue;
    const file = path.join(directory, name);
    files.push({ path: file, follows, ...decodeJournal(fs.readFileSync(file), { follows, crc32c }) });
  }
  return files.sort((left, right) => (left.follows < right.follows ? -1 : 1));
}

export function decodeJournal(
  bytes: Buffer,
  { follows, crc32c }: { readonly follows: bigint; readonly crc32c: Crc32c },
): Pick<JournalFile, 'entries' | 'bytes' | 'previousBytes'> {
  const entries: JournalEntry[] = [];
  if (!isHeader(bytes, crc32c)) return { entries, bytes: 0, previousBytes: 0 };
  // A lower number is of the commit whose file this was before it got its name: the new header was lost.
  if (bytes.readBigUInt64LE(8) < follows) return { entries, bytes: 0, previousBytes: 0 };
  const checksum = bytes.readUInt32LE(HEADER_CHECKSUM_AT);
  let offset = HEADER_BYTES;
  while (offset + FRAME_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + FRAME_BYTES + length;
    if (length === 0 || length > JOURNAL_RECORD_BYTES_MAX || end > bytes.length) break;
    // Begun with the header's, so that what the file held before never holds again.
    const ofLength = crc32c(bytes.subarray(offset, offset + 4), checksum);
    if (bytes.readUInt32LE(offset + 4) !== crc32c(bytes.subarray(offset + FRAME_KIND_AT, end), ofLength)) break;
    const entry = decodeEntry(bytes.readUInt8(offset + FRAME_KIND_AT), bytes.subarray(offset + FRAME_BYTES, end));
    if (entry === undefined) break;
    entries.push(entry);
    offset = end;
  }
  return { entries, bytes: offset, previousBytes: Number(bytes.readBigUInt64LE(16)) };
}

/** Undefined for what this version does not know. */
function decodeEntry(kind: number, payload: Buffer): JournalEntry | undefined {
  if (kind === 0) return { kind: 'mutation', record: new Uint8Array(payload) };
  if (kind === 1 && payload.length > LITERAL_HEADER_BYTES) {
    const frame = new Uint8Array(payload.subarray(LITERAL_HEADER_BYTES));
    return { kind: 'literal', log: logNumber(payload.readUInt32LE(0)), frame };
  }
  return kind === 2 ? decodeWritten(payload) : undefined;
}

function decodeWritten(payload: Buffer): WrittenEntry | undefined {
  if (payload.length < WRITTEN_HEADER_BYTES) return undefined;
  const ranges: { offset: bigint; bytes: Uint8Array }[] = [];
  for (let at = WRITTEN_HEADER_BYTES; at < payload.length; ) {
    if (payload.length - at < RANGE_HEADER_BYTES) return undefined;
    const start = at + RANGE_HEADER_BYTES;
    const end = start + Number(payload.readBigUInt64LE(at + 8));
    if (end > payload.length) return undefined;
    ranges.push({ offset: payload.readBigUInt64LE(at), bytes: new Uint8Array(payload.subarray(start, end)) });
    at = end;
  }
  const modified = payload.readBigInt64LE(16);
  return {
    kind: 'written',
    node: inodeNumber(payload.readBigUInt64LE(0)),
    size: payload.readBigUInt64LE(8),
    modified: modified === 0n ? undefined : modified,
    ranges,
  };
}

function followsOf(name: string): bigint | undefined {
  const digits = name.startsWith(FILE_PREFIX) ? name.slice(FILE_PREFIX.length) : '';
  return /^(0|[1-9][0-9]{0,19})$/.test(digits) ? BigInt(digits) : undefined;
}

function isHeader(bytes: Buffer, crc32c: Crc32c): boolean {
  return (
    bytes.length >= HEADER_BYTES &&
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    bytes.readUInt32LE(4) === FORMAT_VERSION &&
    bytes.readUInt32LE(HEADER_CHECKSUM_AT) === crc32c(bytes.subarray(0, HEADER_CHECKSUM_AT))
  );
}
