// What an open directory lists: its names as they are at one moment, `.` and `..` first. An offset says where reading goes
// on. For most handles it is an index, and the listing is kept for the handle, so that entries neither repeat nor go
// missing while others change the directory. Where the kernel keeps what it reads (docs/design/0065), it gives that to
// whoever reads the directory next, and comes to us in the middle when it has dropped it: there the names are in the
// order of a hash, which is the offset, so that a place among them means the same in every listing, also when the name
// that was read last is gone.
import type { InodeNumber } from '../../src/base/units.ts';
import type { DirectoryEntry, DirectoryListing } from '../../src/volume/volume.ts';
import { SMALL_LISTING_BYTES } from '../protocol.ts';

/** struct linux_dirent64 without its name, and with the NUL behind that; its length is a multiple of 8. */
const DIRENT_BYTES = 20;
const DIRENT_ALIGNMENT = 8;
/** Hashed offsets begin here and end before 2^31, which a 32-bit off_t still holds; indexes are below. */
const HASHED_OFFSETS = 2 ** 30;
/** The rest is for `.`, `..` and names whose hash is taken. */
const HASHES = 2 ** 30 - 2 ** 20;

const DIRECTORY_MODE = 0o040755;
const DOT = Uint8Array.of(0x2e);
const DOT_DOT = Uint8Array.of(0x2e, 0x2e);

export type ListingOrder = 'index' | 'hash';

/** The order of a listing in which this is a place, where it is not the start. */
export const orderOfOffset = (offset: number): ListingOrder => (offset < HASHED_OFFSETS ? 'index' : 'hash');

export class Listing {
  readonly #dots: readonly DirectoryEntry[];
  readonly #names: DirectoryListing;
  /** Of the entries in the order of their hashes. */
  readonly #hashed: readonly { readonly offset: number; readonly entry: DirectoryEntry }[] | undefined;
  /** What it takes of a getdents(2) buffer, where that is at most SMALL_LISTING_BYTES; else 0. */
  readonly smallBytes: number;

  constructor(directory: InodeNumber, parent: InodeNumber, options: { names: DirectoryListing; order: ListingOrder }) {
    this.#dots = [
      { name: DOT, inode: directory, mode: DIRECTORY_MODE },
      { name: DOT_DOT, inode: parent, mode: DIRECTORY_MODE },
    ];
    this.#names = options.names;
    this.#hashed = options.order === 'hash' ? inHashOrder(this.#dots, options.names) : undefined;
    this.smallBytes = smallBytesOf(this.#dots, options.names);
  }

  at(index: number): DirectoryEntry | undefined {
    if (this.#hashed !== undefined) return this.#hashed[index]?.entry;
    return this.#dots[index] ?? this.#names.at(index - this.#dots.length);
  }

  isDots(index: number): boolean {
    return index < this.#dots.length;
  }

  /** Where reading goes on behind the entry. */
  offsetAfter(index: number): number {
    return this.#hashed?.[index]?.offset ?? index + 1;
  }

  /** Of the entry at which reading goes on. */
  indexFrom(offset: number): number {
    if (this.#hashed === undefined) return offset;
    const index = this.#hashed.findIndex((hashed) => hashed.offset > offset);
    return index === -1 ? this.#hashed.length : index;
  }
}

/** Names that share a hash take the offsets behind it. */
function inHashOrder(
  dots: readonly DirectoryEntry[],
  names: DirectoryListing,
): { offset: number; entry: DirectoryEntry }[] {
  const hashed = [...names].map((entry) => ({ offset: HASHED_OFFSETS + dots.length + hash(entry.name), entry }));
  hashed.sort((left, right) => left.offset - right.offset || Buffer.compare(left.entry.name, right.entry.name));
  const all = [...dots.map((entry, index) => ({ offset: HASHED_OFFSETS + index, entry })), ...hashed];
  let last = 0;
  for (const one of all) {
    one.offset = Math.max(one.offset, last + 1);
    last = one.offset;
  }
  return all;
}

function smallBytesOf(dots: readonly DirectoryEntry[], names: DirectoryListing): number {
  if (names.length * DIRENT_BYTES > SMALL_LISTING_BYTES) return 0;
  let bytes = 0;
  for (const { name } of [...dots, ...names]) bytes += direntBytes(name);
  return bytes <= SMALL_LISTING_BYTES ? bytes : 0;
}

const direntBytes = (name: Uint8Array): number =>
  Math.ceil((DIRENT_BYTES + name.length) / DIRENT_ALIGNMENT) * DIRENT_ALIGNMENT;

/** FNV-1a (draft-eastlake-fnv). */
function hash(name: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of name) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0) % HASHES;
}
