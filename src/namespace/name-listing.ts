// A directory's names as they were at one moment, packed: a listing of a million names takes 32 MB, where an object for
// each takes 300. Entries are made as they are read.
import { type InodeNumber, inodeNumber } from '../base/units.ts';
import type { NameEntry } from './types.ts';

const TYPE_SHIFT = 12;

export class NameListing implements Iterable<NameEntry> {
  readonly #names: Uint8Array;
  /** Where each name ends. */
  readonly #ends: Uint32Array;
  readonly #inodes: BigUint64Array;
  readonly #types: Uint8Array;
  #length = 0;

  constructor(entryCount: number, nameBytes: number) {
    this.#names = new Uint8Array(nameBytes);
    this.#ends = new Uint32Array(entryCount);
    this.#inodes = new BigUint64Array(entryCount);
    this.#types = new Uint8Array(entryCount);
  }

  static of(entries: readonly NameEntry[]): NameListing {
    const listing = new NameListing(
      entries.length,
      entries.reduce((sum, { name }) => sum + name.length, 0),
    );
    for (const { name, inode, mode } of entries) listing.append(name, inode, mode);
    return listing;
  }

  get length(): number {
    return this.#length;
  }

  /** While it is being made. */
  append(name: Uint8Array, inode: InodeNumber, type: number): void {
    const index = this.#length++;
    const start = this.#start(index);
    this.#names.set(name, start);
    this.#ends[index] = start + name.length;
    this.#inodes[index] = inode;
    this.#types[index] = type >>> TYPE_SHIFT;
  }

  at(index: number): NameEntry | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return {
      name: this.#names.subarray(this.#start(index), this.#ends[index]),
      inode: inodeNumber(this.#inodes[index] ?? 0n),
      mode: (this.#types[index] ?? 0) << TYPE_SHIFT,
    };
  }

  *[Symbol.iterator](): Iterator<NameEntry> {
    for (let index = 0; index < this.#length; index++) {
      const entry = this.at(index);
      if (entry !== undefined) yield entry;
    }
  }

  #start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}
