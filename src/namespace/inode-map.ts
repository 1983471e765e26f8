// A map from inode numbers: V8's own hashes and compares bigints outside of compiled code, which took a twelfth of the
// time of a removal. A hash table with open addressing; numbers lie as two words each in one typed array. It may be
// swept as a clock (second chance), whose hand stays where it was.
import { inodeHash } from '../base/inode-hash.ts';
import type { InodeNumber } from '../base/units.ts';

const SLOTS_MIN = 64;
const LOAD_MAX = 0.7;
const LOAD_MIN = 0.1;

export class InodeMap<Value extends object> {
  /** Low word, high word; a slot is free where it has no value. */
  #keys = new Uint32Array(SLOTS_MIN * 2);
  #values: (Value | undefined)[] = emptySlots(SLOTS_MIN);
  #size = 0;
  #hand = 0;
  /** The halves of the bigint in question, without making others. */
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#wide.buffer);

  get size(): number {
    return this.#size;
  }

  get(inode: InodeNumber): Value | undefined {
    return this.#values[this.#probe(inode)];
  }

  set(inode: InodeNumber, value: Value): void {
    let slot = this.#probe(inode);
    if (this.#values[slot] === undefined) {
      if (this.#size + 1 > this.#values.length * LOAD_MAX) {
        this.#resize(this.#values.length * 2);
        slot = this.#probe(inode);
      }
      this.#size += 1;
      this.#keys[slot * 2] = this.#halves[0] ?? 0;
      this.#keys[slot * 2 + 1] = this.#halves[1] ?? 0;
    }
    this.#values[slot] = value;
  }

  delete(inode: InodeNumber): void {
    const slot = this.#probe(inode);
    if (this.#values[slot] === undefined) return;
    this.#closeGap(slot);
    this.#size -= 1;
    const slots = this.#values.length;
    if (slots > SLOTS_MIN && this.#size < slots * LOAD_MIN) this.#resize(slots / 2);
  }

  /** Calls `visit` for what comes under the hand, each value some twice at most, until it says to stop; it may delete. */
  sweep(visit: (value: Value) => 'go on' | 'stop'): void {
    for (let steps = this.#values.length * 2; steps > 0; steps -= 1) {
      if (this.#hand >= this.#values.length) this.#hand = 0;
      const value = this.#values[this.#hand];
      const wanted = value === undefined ? 'go on' : visit(value);
      // Where it was deleted, another may have come into its slot.
      if (value === undefined || this.#values[this.#hand] === value) this.#hand += 1;
      if (wanted === 'stop') return;
    }
  }

  /** The slot of an inode, or the free one where it would be. */
  #probe(inode: InodeNumber): number {
    this.#wide[0] = inode;
    const low = this.#halves[0] ?? 0;
    const high = this.#halves[1] ?? 0;
    const mask = this.#values.length - 1;
    let slot = inodeHash(low, high) & mask;
    while (this.#values[slot] !== undefined && (this.#keys[slot * 2] !== low || this.#keys[slot * 2 + 1] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Those behind it that would no longer be found move up. */
  #closeGap(slot: number): void {
    const mask = this.#values.length - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; this.#values[next] !== undefined; next = (next + 1) & mask) {
      const home = inodeHash(this.#keys[next * 2] ?? 0, this.#keys[next * 2 + 1] ?? 0) & mask;
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      this.#move(next, gap);
      gap = next;
    }
    this.#values[gap] = undefined;
  }

  #move(from: number, to: number): void {
    this.#keys[to * 2] = this.#keys[from * 2] ?? 0;
    this.#keys[to * 2 + 1] = this.#keys[from * 2 + 1] ?? 0;
    this.#values[to] = this.#values[from];
  }

  #resize(slots: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(slots * 2);
    this.#values = emptySlots(slots);
    const mask = slots - 1;
    for (let from = 0; from < values.length; from += 1) {
      const value = values[from];
      if (value === undefined) continue;
      const low = keys[from * 2] ?? 0;
      const high = keys[from * 2 + 1] ?? 0;
      let slot = inodeHash(low, high) & mask;
      while (this.#values[slot] !== undefined) slot = (slot + 1) & mask;
      this.#keys[slot * 2] = low;
      this.#keys[slot * 2 + 1] = high;
      this.#values[slot] = value;
    }
  }
}

/** Filled, so that V8 does not take it for sparse. */
const emptySlots = <Value>(count: number): (Value | undefined)[] => new Array<Value | undefined>(count).fill(undefined);
