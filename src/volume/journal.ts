// The namespace's journal (docs/design/0001, docs/format/namespace.md, Journal): local changes between two commits, so
// that what was closed survives a killed process. One file per commit under way, named by the commit that its records
// follow; a file is made with its first record, so an idle volume has none. Written, never synced.
import fs from 'node:fs';
import path from 'node:path';
import type { NativeModule } from '../addon/native.ts';
import { PacketFsError } from '../base/errors.ts';
import type { JournalRecord } from '../namespace/types.ts';

/** format: first bytes of a journal. */
const MAGIC = Uint8Array.of(0x50, 0x46, 0x53, 0x4a); // "PFSJ"
const FORMAT_VERSION = 1;
const HEADER_BYTES = 12;
const FRAME_BYTES = 8;
/** format: a longer record is torn. */
export const JOURNAL_RECORD_BYTES_MAX = 64 * 1024 * 1024;

const FILE_PREFIX = 'namespace.journal.';

export type Crc32c = NativeModule['crc32c'];

export interface JournalFile {
  readonly path: string;
  /** The number of the commit that the records follow: they are part of commit `follows + 1` or later. */
  readonly follows: bigint;
  readonly records: readonly JournalRecord[];
  /** The file does not end with a whole record (or has no header): what followed is lost. */
  readonly torn: boolean;
}

export class Journal {
  readonly #directory: string;
  readonly #crc32c: Crc32c;
  #follows: bigint;
  #descriptor: number | undefined;
  #size = 0;
  #pending: JournalRecord[] = [];

  constructor(options: { directory: string; follows: bigint; crc32c: Crc32c }) {
    this.#directory = options.directory;
    this.#follows = options.follows;
    this.#crc32c = options.crc32c;
  }

  /** Writes the records with one write(2). Those that could not be written are kept and tried again with the next. */
  append(records: readonly JournalRecord[]): void {
    if (records.length > 0) this.#pending.push(...records);
    if (this.#pending.length === 0) return;
    const bytes = this.#frames();
    try {
      this.#write(bytes);
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

  /**
   * Records from here on follow commit `follows`, in a new file. Records that could not be written yet are part of the
   * commit that begins now. Gives the path of the file that may go when that commit is durable.
   */
  rotate(follows: bigint): string | undefined {
    this.#pending = [];
    const retired = this.#descriptor === undefined ? undefined : this.#path();
    this.#closeFile();
    this.#follows = follows;
    return retired;
  }

  close(): void {
    this.#closeFile();
  }

  #path(): string {
    return journalPath(this.#directory, this.#follows);
  }

  #closeFile(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#size = 0;
  }

  #frames(): Buffer {
    const headerBytes = this.#descriptor === undefined ? HEADER_BYTES : 0;
    const total = this.#pending.reduce((sum, record) => sum + FRAME_BYTES + record.length, headerBytes);
    const bytes = Buffer.allocUnsafe(total);
    if (headerBytes > 0) writeHeader(bytes, this.#crc32c);
    let offset = headerBytes;
    for (const record of this.#pending) {
      bytes.writeUInt32LE(record.length, offset);
      bytes.set(record, offset + FRAME_BYTES);
      bytes.writeUInt32LE(frameChecksum(bytes, offset, record.length, this.#crc32c), offset + 4);
      offset += FRAME_BYTES + record.length;
    }
    return bytes;
  }

  #write(bytes: Buffer): void {
    this.#descriptor ??= fs.openSync(this.#path(), 'wx', 0o600);
    let written = 0;
    try {
      while (written < bytes.length) {
        written += fs.writeSync(this.#descriptor, bytes, written, bytes.length - written, this.#size + written);
      }
      this.#size += bytes.length;
    } catch (error) {
      fs.ftruncateSync(this.#descriptor, this.#size); // else a torn record would hide those behind it
      if (this.#size === 0) this.#discardEmptyFile();
      throw error;
    }
  }

  /** The header was not written: the next append begins the file again. */
  #discardEmptyFile(): void {
    this.#closeFile();
    fs.rmSync(this.#path(), { force: true });
  }
}

/** Where the records are that follow a commit. */
export const journalPath = (directory: string, follows: bigint): string =>
  path.join(directory, `${FILE_PREFIX}${follows}`);

/** Reads every journal in the directory, oldest first; reading stops within a file at its first torn record. */
export function readJournals(directory: string, crc32c: Crc32c): JournalFile[] {
  const files: JournalFile[] = [];
  for (const name of fs.readdirSync(directory)) {
    const follows = followsOf(name);
    if (follows === undefined) continue;
    const file = path.join(directory, name);
    files.push({ path: file, follows, ...decodeJournal(fs.readFileSync(file), crc32c) });
  }
  return files.sort((left, right) => (left.follows < right.follows ? -1 : 1));
}

export function decodeJournal(bytes: Buffer, crc32c: Crc32c): { records: JournalRecord[]; torn: boolean } {
  const records: JournalRecord[] = [];
  if (!isHeader(bytes, crc32c)) return { records, torn: true };
  let offset = HEADER_BYTES;
  while (offset + FRAME_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + FRAME_BYTES + length;
    if (length > JOURNAL_RECORD_BYTES_MAX || end > bytes.length) break;
    if (bytes.readUInt32LE(offset + 4) !== frameChecksum(bytes, offset, length, crc32c)) break;
    records.push(new Uint8Array(bytes.subarray(offset + FRAME_BYTES, end)));
    offset = end;
  }
  return { records, torn: offset < bytes.length };
}

function followsOf(name: string): bigint | undefined {
  const digits = name.startsWith(FILE_PREFIX) ? name.slice(FILE_PREFIX.length) : '';
  return /^(0|[1-9][0-9]{0,19})$/.test(digits) ? BigInt(digits) : undefined;
}

/** CRC32C of the length and the record, so that a run of zeros is not a valid empty record. */
function frameChecksum(bytes: Buffer, offset: number, length: number, crc32c: Crc32c): number {
  const record = bytes.subarray(offset + FRAME_BYTES, offset + FRAME_BYTES + length);
  return crc32c(record, crc32c(bytes.subarray(offset, offset + 4)));
}

function writeHeader(bytes: Buffer, crc32c: Crc32c): void {
  bytes.set(MAGIC, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 4);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 8)), 8);
}

function isHeader(bytes: Buffer, crc32c: Crc32c): boolean {
  return (
    bytes.length >= HEADER_BYTES &&
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    bytes.readUInt32LE(4) === FORMAT_VERSION &&
    bytes.readUInt32LE(8) === crc32c(bytes.subarray(0, 8))
  );
}
