// What an open directory lists: a snapshot, so that entries neither repeat nor go missing while others change the
// directory. `.` and `..` come first. The kernel keeps the listing of a small directory, gives it to whoever reads the
// directory next, and comes back to us with an offset of it when it has dropped it (docs/design/0065): there an offset
// stands for the name before it, whatever else the directory has got or lost since. In others it is an index.
import type { InodeNumber } from '../../src/base/units.ts';
import type { DirectoryEntry, DirectoryListing } from '../../src/volume/volume.ts';
import { SMALL_LISTING_BYTES } from '../protocol.ts';

/** struct linux_dirent64 without its name, and with the NUL behind that; its length is a multiple of 8. */
const DIRENT_BYTES = 20;
const DIRENT_ALIGNMENT = 8;
/** Offsets that stand for names begin here and end at 2^31, which a 32-bit off_t still holds; indexes are below. */
const NAME_OFFSETS = 2 ** 30;

const DIRECTORY_MODE = 0o040755;
const DOT = Uint8Array.of(0x2e);
const DOT_DOT = Uint8Array.of(0x2e, 0x2e);
const DOTS = 2;

export class Listing {
  readonly #directory: InodeNumber;
  readonly #parent: InodeNumber;
  readonly #names: DirectoryListing;
  /** What it takes of a getdents(2) buffer, where that is at most SMALL_LISTING_BYTES; else 0. */
  readonly smallBytes: number;
  /** Of each entry of a small directory. */
  readonly #offsets: readonly number[] | undefined;

  constructor(directory: InodeNumber, parent: InodeNumber, names: DirectoryListing) {
    this.#directory = directory;
    this.#parent = parent;
    this.#names = names;
    this.smallBytes = smallBytesOf(names);
    this.#offsets = this.smallBytes > 0 ? this.#nameOffsets() : undefined;
  }

  at(index: number): DirectoryEntry | undefined {
    if (index >= DOTS) return this.#names.at(index - DOTS);
    return index === 0
      ? { name: DOT, inode: this.#directory, mode: DIRECTORY_MODE }
      : { name: DOT_DOT, inode: this.#parent, mode: DIRECTORY_MODE };
  }

  /** Where reading goes on behind the entry. */
  offsetAfter(index: number): number {
    return this.#offsets?.[index] ?? index + 1;
  }

  /** Of the entry at which reading goes on; behind the last where the name that the offset stands for is gone, because
   * who has it has read a whole small directory. */
  indexFrom(offset: number): number {
    if (offset < NAME_OFFSETS) return offset;
    const before = (this.#offsets ?? this.#nameOffsets()).indexOf(offset);
    return before === -1 ? this.#names.length + DOTS : before + 1;
  }

  /** A hash of each name; of names that share one, the later take the next that is free. */
  #nameOffsets(): readonly number[] {
    const taken = new Set<number>();
    for (let index = 0; index < this.#names.length + DOTS; index++) {
      const entry = this.at(index);
      let offset = NAME_OFFSETS + hash30(entry?.name ?? DOT);
      while (taken.has(offset)) offset = offset + 1 < 2 * NAME_OFFSETS ? offset + 1 : NAME_OFFSETS;
      taken.add(offset);
    }
    return [...taken];
  }
}

function smallBytesOf(names: DirectoryListing): number {
  let bytes = direntBytes(DOT) + direntBytes(DOT_DOT);
  if (names.length * DIRENT_BYTES > SMALL_LISTING_BYTES) return 0;
  for (const { name } of names) bytes += direntBytes(name);
  return bytes <= SMALL_LISTING_BYTES ? bytes : 0;
}

const direntBytes = (name: Uint8Array): number =>
  Math.ceil((DIRENT_BYTES + name.length) / DIRENT_ALIGNMENT) * DIRENT_ALIGNMENT;

/** FNV-1a (draft-eastlake-fnv), folded from 32 bits to 30. */
function hash30(name: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash >>> 30) ^ hash) & 0x3fffffff;
}
