// Every inode of a namespace in some 45 bytes each, by position in the order of their numbers: what names and records
// say of it, as sums that are equal when both say the same. So a check of a million inodes needs little memory, and
// details are read again only where the sums differ.
const INITIAL = 1024;
const COUNTER_BITS = 48n;
const COUNTER_MASK = (1n << COUNTER_BITS) - 1n;

export interface DirectoryFacts {
  readonly inode: bigint;
  /** As its record says. */
  readonly subdirectories: number;
  readonly namePages: number;
  /** Where it is, or was when it was removed. */
  readonly parent: bigint | undefined;
  readonly shown: boolean;
  /** As the names say. */
  countedSubdirectories: number;
}

interface LogRange {
  readonly base: number;
  end: number;
}

export const FLAG = { reaped: 1, named: 2, orphan: 4 } as const;

export class InodeTable {
  readonly #logs = new Map<number, LogRange>();
  #counters = new Float64Array(INITIAL);
  #types = new Uint8Array(INITIAL);
  #flags = new Uint8Array(INITIAL);
  /** Six columns: count, first and second sum, of the records and of the names. */
  #sums = new Int32Array(INITIAL * 6);
  #length = 0;
  readonly directories = new Map<number, DirectoryFacts>();

  get length(): number {
    return this.#length;
  }

  /** In the order of numbers. `type`: mode >> 12. Gives the position. */
  add(inode: bigint, type: number, flags: number): number {
    if (this.#length === this.#counters.length) this.#grow();
    const position = this.#length++;
    const log = Number(inode >> COUNTER_BITS);
    const range = this.#logs.get(log);
    if (range === undefined) this.#logs.set(log, { base: position, end: position + 1 });
    else range.end = position + 1;
    this.#counters[position] = Number(inode & COUNTER_MASK);
    this.#types[position] = type;
    this.#flags[position] = flags;
    return position;
  }

  /** -1 when there is no such inode. */
  find(inode: bigint): number {
    const range = this.#logs.get(Number(inode >> COUNTER_BITS));
    if (range === undefined) return -1;
    const counter = Number(inode & COUNTER_MASK);
    // Counters are given one after the other, and few inodes ever go: it is near.
    let low = range.base;
    let high = Math.min(range.end, range.base + counter);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#counters[middle] ?? 0) < counter) low = middle + 1;
      else high = middle;
    }
    return low < range.end && this.#counters[low] === counter ? low : -1;
  }

  inodeAt(position: number): bigint {
    for (const [log, { base, end }] of this.#logs) {
      if (position < base || position >= end) continue;
      return (BigInt(log) << COUNTER_BITS) | BigInt(this.#counters[position] ?? 0);
    }
    return 0n;
  }

  type(position: number): number {
    return this.#types[position] ?? 0;
  }

  has(position: number, flag: number): boolean {
    return ((this.#flags[position] ?? 0) & flag) !== 0;
  }

  mark(position: number, flag: number): void {
    this.#flags[position] = (this.#flags[position] ?? 0) | flag;
  }

  addName(position: number, from: 'record' | 'page', hash: { readonly first: number; readonly second: number }): void {
    const at = position * 6 + (from === 'record' ? 0 : 3);
    this.#sums[at] = (this.#sums[at] ?? 0) + 1;
    this.#sums[at + 1] = ((this.#sums[at + 1] ?? 0) + hash.first) | 0;
    this.#sums[at + 2] = ((this.#sums[at + 2] ?? 0) + hash.second) | 0;
  }

  /** Whether names and record say the same. */
  namesAgree(position: number): boolean {
    const at = position * 6;
    const sums = this.#sums;
    return sums[at] === sums[at + 3] && sums[at + 1] === sums[at + 4] && sums[at + 2] === sums[at + 5];
  }

  #grow(): void {
    const length = this.#counters.length * 2;
    const grow = <Column extends Float64Array | Uint8Array | Int32Array>(column: Column, to: Column): Column => {
      to.set(column);
      return to;
    };
    this.#counters = grow(this.#counters, new Float64Array(length));
    this.#types = grow(this.#types, new Uint8Array(length));
    this.#flags = grow(this.#flags, new Uint8Array(length));
    this.#sums = grow(this.#sums, new Int32Array(length * 6));
  }
}

const FNV_PRIME = 0x01000193;
const FNV_START = 0x811c9dc5;
const OTHER_PRIME = 0x85ebca6b;

/** Two 32-bit hashes of (directory, name); `name` is latin1 of its bytes. */
export function hashOfName(parent: bigint, name: string): { first: number; second: number } {
  let first = FNV_START ^ Number(parent & 0xffff_ffffn);
  let second = Number((parent >> 32n) & 0xffff_ffffn) ^ (first << 7);
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    first = Math.imul(first ^ code, FNV_PRIME);
    second = Math.imul(second + code + 1, OTHER_PRIME) ^ (second >>> 13);
  }
  return { first: first ^ (first >>> 15), second: second ^ (second >>> 16) };
}
