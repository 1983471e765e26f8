// What the kernel holds of the volume: for each inode how many references (lookups that it was answered, less those it
// forgot), and which content version its cached pages belong to. A kernel with memory to spare holds every inode it
// ever saw, so this is packed: a hash table of 20 bytes an inode, open addressing, at most four fifths full.
import { inodeHash } from '../base/inode-hash.ts';
import type { HybridTime, InodeNumber } from '../base/units.ts';

// A slot's words; an inode number is never 0, so a slot with both words 0 is free.
const LOW = 0;
const HIGH = 1;
const REFERENCES = 2;
const VERSION_LOW = 3;
const VERSION_HIGH = 4;
const WORDS = 5;
/** In REFERENCES: the version is known. */
const HAS_VERSION = 0x8000_0000;
const REFERENCES_MASK = 0x7fff_ffff;
const SLOTS_MIN = 64;
const LOAD_MAX = 0.8;
const LOAD_MIN = 0.1;
const GROWTH = 1.25;
const WORD_BYTES = 4;
const TWO_32 = 2 ** 32;

export class KernelInodes {
  #slots = new Uint32Array(SLOTS_MIN * WORDS);
  #count = 0;
  /** The halves of the bigint in question, without making others. */
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#wide.buffer);

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return this.#slots.length * WORD_BYTES;
  }

  addReference(inode: InodeNumber): void {
    const at = this.#findOrAdd(inode);
    this.#slots[at + REFERENCES] = this.#word(at, REFERENCES) + 1;
  }

  /** Whether no reference is left; then its version is forgotten too. */
  dropReferences(inode: InodeNumber, dropped: number): boolean {
    const at = this.#find(inode);
    if (at === undefined) return true;
    const references = this.#word(at, REFERENCES);
    const left = (references & REFERENCES_MASK) - dropped;
    if (left > 0) {
      this.#slots[at + REFERENCES] = ((references & HAS_VERSION) | left) >>> 0;
      return false;
    }
    this.#remove(at / WORDS);
    return true;
  }

  isReferenced(inode: InodeNumber): boolean {
    const at = this.#find(inode);
    return at !== undefined && (this.#word(at, REFERENCES) & REFERENCES_MASK) !== 0;
  }

  hasVersion(inode: InodeNumber): boolean {
    const at = this.#find(inode);
    return at !== undefined && this.#word(at, REFERENCES) >= HAS_VERSION;
  }

  isVersion(inode: InodeNumber, version: HybridTime): boolean {
    const at = this.#find(inode);
    if (at === undefined || this.#word(at, REFERENCES) < HAS_VERSION) return false;
    this.#wide[0] = version;
    return this.#word(at, VERSION_LOW) === this.#halves[0] && this.#word(at, VERSION_HIGH) === this.#halves[1];
  }

  setVersion(inode: InodeNumber, version: HybridTime): void {
    const at = this.#findOrAdd(inode);
    this.#wide[0] = version;
    this.#slots[at + REFERENCES] = (this.#word(at, REFERENCES) | HAS_VERSION) >>> 0;
    this.#slots[at + VERSION_LOW] = this.#halves[0] ?? 0;
    this.#slots[at + VERSION_HIGH] = this.#halves[1] ?? 0;
  }

  #word(at: number, word: number): number {
    return this.#slots[at + word] ?? 0;
  }

  get #capacity(): number {
    return this.#slots.length / WORDS;
  }

  /** Index of the first word of its slot. */
  #find(inode: InodeNumber): number | undefined {
    const at = this.#probe(inode);
    return this.#isFree(at) ? undefined : at;
  }

  #findOrAdd(inode: InodeNumber): number {
    const at = this.#probe(inode);
    if (!this.#isFree(at)) return at;
    if (this.#count + 1 > this.#capacity * LOAD_MAX) {
      this.#resize(this.#capacity * GROWTH);
      return this.#findOrAdd(inode);
    }
    this.#count += 1;
    this.#wide[0] = inode;
    this.#slots[at + LOW] = this.#halves[0] ?? 0;
    this.#slots[at + HIGH] = this.#halves[1] ?? 0;
    return at;
  }

  /** The slot of an inode, or the free one where it would be. */
  #probe(inode: InodeNumber): number {
    this.#wide[0] = inode;
    const low = this.#halves[0] ?? 0;
    const high = this.#halves[1] ?? 0;
    let at = this.#home(low, high) * WORDS;
    while (!this.#isFree(at) && (this.#word(at, LOW) !== low || this.#word(at, HIGH) !== high)) {
      at += WORDS;
      if (at === this.#slots.length) at = 0;
    }
    return at;
  }

  #isFree(at: number): boolean {
    return this.#word(at, LOW) === 0 && this.#word(at, HIGH) === 0;
  }

  #home(low: number, high: number): number {
    return Math.floor(((inodeHash(low, high) >>> 0) / TWO_32) * this.#capacity);
  }

  /** Closes the gap: those behind it that would no longer be found move up. */
  #remove(slot: number): void {
    const capacity = this.#capacity;
    let gap = slot;
    for (let next = (gap + 1) % capacity; !this.#isFree(next * WORDS); next = (next + 1) % capacity) {
      const at = next * WORDS;
      const home = this.#home(this.#word(at, LOW), this.#word(at, HIGH));
      const distance = (next - home + capacity) % capacity;
      if (distance < (next - gap + capacity) % capacity) continue;
      this.#slots.copyWithin(gap * WORDS, at, at + WORDS);
      gap = next;
    }
    this.#slots.fill(0, gap * WORDS, (gap + 1) * WORDS);
    this.#count -= 1;
    if (capacity > SLOTS_MIN && this.#count < capacity * LOAD_MIN) this.#resize(capacity / 4);
  }

  #resize(wanted: number): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(Math.max(SLOTS_MIN, Math.ceil(wanted)) * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      const low = old[from + LOW] ?? 0;
      const high = old[from + HIGH] ?? 0;
      if (low === 0 && high === 0) continue;
      let at = this.#home(low, high) * WORDS;
      while (!this.#isFree(at)) at = at + WORDS === this.#slots.length ? 0 : at + WORDS;
      this.#slots.set(old.subarray(from, from + WORDS), at);
    }
  }
}
