// The names of one directory in memory: a hash table in three typed arrays, about 40 bytes and the name itself for each,
// where objects in a Map take 250 and are walked by every collection of garbage. Names are in the pages that hold them
// on disk, so a changed page is encoded without looking at the others. One name may be there more than once, with
// different inodes; which of them shows it is not decided here (tree.ts).
import { assert } from '../base/assert.ts';
import { type InodeNumber, inodeNumber } from '../base/units.ts';
import { NameListing } from './name-listing.ts';

export interface NamedInode {
  readonly inode: InodeNumber;
  /** The type bits of st_mode. */
  readonly type: number;
}

export interface TableName extends NamedInode {
  /** Valid until the table changes. */
  readonly name: Uint8Array;
}

// One entry's words. A reference to an entry is its number + 1; 0 is none.
const HASH = 0;
const NAME_AT = 1;
/** Length of the name (16 bits), then the type. */
const SHAPE = 2;
const PAGE = 3;
const NEXT_IN_PAGE = 4;
const NEXT_IN_BUCKET = 5;
const INODE = 6; // low word, high word
const ENTRY_WORDS = 8;
// A page's words.
const FIRST = 0;
const LAST = 1;
const COUNT = 2;
const PAGE_WORDS = 3;

const LENGTH_BITS = 16;
const LENGTH_MASK = 0xffff;
const TYPE_SHIFT = 12;
const ENTRIES_MIN = 4;
const GROWTH = 1.5;
/** A table with more room than this is made smaller. */
const ENTRIES_PER_LIVE_MAX = 8;
const NAME_BYTES_MIN = 64;
const NAME_BYTES_TYPICAL = 16;
/** Four typed arrays with their buffers, and the object. */
const FIXED_BYTES = 1200;
const WORD_BYTES = 4;

export class NameTable {
  #entries = new Uint32Array(ENTRIES_MIN * ENTRY_WORDS);
  #buckets = new Uint32Array(ENTRIES_MIN);
  #names = new Uint8Array(NAME_BYTES_MIN);
  #pages = new Uint32Array(PAGE_WORDS);
  #size = 0;
  /** Entries handed out so far, the free ones among them. */
  #entriesUsed = 0;
  #firstFree = 0;
  #namesUsed = 0;
  #liveNameBytes = 0;
  #pageCount = 0;

  get size(): number {
    return this.#size;
  }

  get pageCount(): number {
    return this.#pageCount;
  }

  get byteLength(): number {
    const words = this.#entries.length + this.#buckets.length + this.#pages.length;
    return FIXED_BYTES + words * WORD_BYTES + this.#names.length;
  }

  /** Names in a page. */
  countIn(page: number): number {
    return this.#pages[page * PAGE_WORDS + COUNT] ?? 0;
  }

  addPage(): number {
    const words = (this.#pageCount + 1) * PAGE_WORDS;
    if (words > this.#pages.length) this.#pages = grown(this.#pages, words);
    return this.#pageCount++;
  }

  /** One of the inodes that have the name. */
  find(name: Uint8Array): NamedInode | undefined {
    const reference = this.#first(name, hashOf(name));
    return reference === 0 ? undefined : this.#named(reference - 1);
  }

  /** All inodes that have the name, in no order. */
  all(name: Uint8Array): NamedInode[] {
    const hash = hashOf(name);
    const found: NamedInode[] = [];
    for (let reference = this.#bucket(hash); reference !== 0; reference = this.#word(reference - 1, NEXT_IN_BUCKET)) {
      if (this.#matches(reference - 1, name, hash)) found.push(this.#named(reference - 1));
    }
    return found;
  }

  /** Whether the name was there already. */
  add(name: Uint8Array, named: NamedInode, page: number): boolean {
    assert(name.length <= LENGTH_MASK && page < this.#pageCount, 'a name fits its page');
    this.#reserve(name.length);
    const hash = hashOf(name);
    const isCrowded = this.#first(name, hash) !== 0;
    const entry = this.#takeEntry();
    const at = entry * ENTRY_WORDS;
    this.#entries[at + HASH] = hash;
    this.#entries[at + NAME_AT] = this.#namesUsed;
    this.#entries[at + SHAPE] = name.length | ((named.type >>> TYPE_SHIFT) << LENGTH_BITS);
    this.#entries[at + INODE] = Number(BigInt.asUintN(32, named.inode));
    this.#entries[at + INODE + 1] = Number(named.inode >> 32n);
    this.#names.set(name, this.#namesUsed);
    this.#namesUsed += name.length;
    this.#liveNameBytes += name.length;
    this.#enterBucket(entry, hash);
    this.#enterPage(entry, page);
    this.#size += 1;
    return isCrowded;
  }

  /** Takes the name of one inode away and returns the page that held it. */
  remove(name: Uint8Array, inode: InodeNumber): number {
    const hash = hashOf(name);
    const bucket = hash & (this.#buckets.length - 1);
    let previous = 0;
    let reference = this.#buckets[bucket] ?? 0;
    while (reference !== 0 && !(this.#matches(reference - 1, name, hash) && this.#inode(reference - 1) === inode)) {
      previous = reference;
      reference = this.#word(reference - 1, NEXT_IN_BUCKET);
    }
    assert(reference !== 0, 'a removed name is in its directory');
    const entry = reference - 1;
    const next = this.#word(entry, NEXT_IN_BUCKET);
    if (previous === 0) this.#buckets[bucket] = next;
    else this.#entries[(previous - 1) * ENTRY_WORDS + NEXT_IN_BUCKET] = next;
    const page = this.#word(entry, PAGE);
    this.#leavePage(entry, page);
    this.#liveNameBytes -= this.#word(entry, SHAPE) & LENGTH_MASK;
    this.#entries[entry * ENTRY_WORDS + NEXT_IN_BUCKET] = this.#firstFree;
    this.#firstFree = reference;
    this.#size -= 1;
    if (this.#size * ENTRIES_PER_LIVE_MAX < this.#capacity && this.#capacity > ENTRIES_MIN)
      this.#rebuild(this.#size * 2);
    return page;
  }

  /** What a page holds, in the order in which it was added. */
  inPage(page: number): TableName[] {
    const found: TableName[] = [];
    this.#eachInPage(page, (entry) => {
      found.push({ ...this.#named(entry), name: this.#nameOf(entry) });
    });
    return found;
  }

  /** A copy of all, page after page. */
  listing(): NameListing {
    const listing = new NameListing(this.#size, this.#liveNameBytes);
    for (let page = 0; page < this.#pageCount; page++) {
      this.#eachInPage(page, (entry) => {
        listing.append(this.#nameOf(entry), this.#inode(entry), this.#typeOf(entry));
      });
    }
    return listing;
  }

  // ---- entries

  #word(entry: number, word: number): number {
    return this.#entries[entry * ENTRY_WORDS + word] ?? 0;
  }

  #typeOf(entry: number): number {
    return (this.#word(entry, SHAPE) >>> LENGTH_BITS) << TYPE_SHIFT;
  }

  #inode(entry: number): InodeNumber {
    return inodeNumber((BigInt(this.#word(entry, INODE + 1)) << 32n) | BigInt(this.#word(entry, INODE)));
  }

  #named(entry: number): NamedInode {
    return { inode: this.#inode(entry), type: this.#typeOf(entry) };
  }

  #nameOf(entry: number): Uint8Array {
    const start = this.#word(entry, NAME_AT);
    return this.#names.subarray(start, start + (this.#word(entry, SHAPE) & LENGTH_MASK));
  }

  #matches(entry: number, name: Uint8Array, hash: number): boolean {
    if (this.#word(entry, HASH) !== hash || (this.#word(entry, SHAPE) & LENGTH_MASK) !== name.length) return false;
    const start = this.#word(entry, NAME_AT);
    for (let index = 0; index < name.length; index++) if (this.#names[start + index] !== name[index]) return false;
    return true;
  }

  #takeEntry(): number {
    if (this.#firstFree === 0) return this.#entriesUsed++;
    const entry = this.#firstFree - 1;
    this.#firstFree = this.#word(entry, NEXT_IN_BUCKET);
    return entry;
  }

  // ---- buckets and pages

  #bucket(hash: number): number {
    return this.#buckets[hash & (this.#buckets.length - 1)] ?? 0;
  }

  #first(name: Uint8Array, hash: number): number {
    let reference = this.#bucket(hash);
    while (reference !== 0 && !this.#matches(reference - 1, name, hash)) {
      reference = this.#word(reference - 1, NEXT_IN_BUCKET);
    }
    return reference;
  }

  #enterBucket(entry: number, hash: number): void {
    const bucket = hash & (this.#buckets.length - 1);
    this.#entries[entry * ENTRY_WORDS + NEXT_IN_BUCKET] = this.#buckets[bucket] ?? 0;
    this.#buckets[bucket] = entry + 1;
  }

  #enterPage(entry: number, page: number): void {
    const at = page * PAGE_WORDS;
    const last = this.#pages[at + LAST] ?? 0;
    this.#entries[entry * ENTRY_WORDS + PAGE] = page;
    this.#entries[entry * ENTRY_WORDS + NEXT_IN_PAGE] = 0;
    if (last === 0) this.#pages[at + FIRST] = entry + 1;
    else this.#entries[(last - 1) * ENTRY_WORDS + NEXT_IN_PAGE] = entry + 1;
    this.#pages[at + LAST] = entry + 1;
    this.#pages[at + COUNT] = this.countIn(page) + 1;
  }

  #leavePage(entry: number, page: number): void {
    const at = page * PAGE_WORDS;
    const next = this.#word(entry, NEXT_IN_PAGE);
    let previous = 0;
    for (let reference = this.#pages[at + FIRST] ?? 0; reference !== entry + 1; ) {
      assert(reference !== 0, 'an entry is in its page');
      previous = reference;
      reference = this.#word(reference - 1, NEXT_IN_PAGE);
    }
    if (previous === 0) this.#pages[at + FIRST] = next;
    else this.#entries[(previous - 1) * ENTRY_WORDS + NEXT_IN_PAGE] = next;
    if (next === 0) this.#pages[at + LAST] = previous;
    this.#pages[at + COUNT] = this.countIn(page) - 1;
  }

  #eachInPage(page: number, visit: (entry: number) => void): void {
    let reference = this.#pages[page * PAGE_WORDS + FIRST] ?? 0;
    for (; reference !== 0; reference = this.#word(reference - 1, NEXT_IN_PAGE)) visit(reference - 1);
  }

  // ---- room

  get #capacity(): number {
    return this.#entries.length / ENTRY_WORDS;
  }

  /** Room for one more entry and its name. */
  #reserve(nameBytes: number): void {
    const isFull = this.#firstFree === 0 && this.#entriesUsed >= this.#capacity;
    if (!isFull && this.#namesUsed + nameBytes <= this.#names.length) return;
    this.#rebuild(isFull ? this.#size * GROWTH : this.#capacity, nameBytes);
  }

  /** Copies what is there into arrays with room for `count` entries, without gaps. */
  #rebuild(count: number, nameBytes = 0): void {
    const capacity = Math.max(ENTRIES_MIN, Math.ceil(count));
    const perName = this.#size === 0 ? NAME_BYTES_TYPICAL : this.#liveNameBytes / this.#size;
    const names = new Uint8Array(Math.ceil(Math.max(NAME_BYTES_MIN, capacity * perName * 1.1) + nameBytes));
    const entries = new Uint32Array(capacity * ENTRY_WORDS);
    let used = 0;
    let namesUsed = 0;
    const links: number[] = [];
    for (let page = 0; page < this.#pageCount; page++) {
      const first = used;
      this.#eachInPage(page, (entry) => {
        const from = entry * ENTRY_WORDS;
        entries.set(this.#entries.subarray(from, from + ENTRY_WORDS), used * ENTRY_WORDS);
        entries[used * ENTRY_WORDS + NAME_AT] = namesUsed;
        entries[used * ENTRY_WORDS + NEXT_IN_PAGE] = used + 2;
        names.set(this.#nameOf(entry), namesUsed);
        namesUsed += this.#word(entry, SHAPE) & LENGTH_MASK;
        used += 1;
      });
      if (used > first) entries[(used - 1) * ENTRY_WORDS + NEXT_IN_PAGE] = 0;
      links.push(used > first ? first + 1 : 0, used > first ? used : 0);
    }
    for (let page = 0; page < this.#pageCount; page++) {
      this.#pages[page * PAGE_WORDS + FIRST] = links[page * 2] ?? 0;
      this.#pages[page * PAGE_WORDS + LAST] = links[page * 2 + 1] ?? 0;
    }
    this.#entries = entries;
    this.#names = names;
    this.#namesUsed = namesUsed;
    this.#entriesUsed = used;
    this.#firstFree = 0;
    this.#buckets = new Uint32Array(2 ** Math.ceil(Math.log2(capacity)));
    for (let entry = 0; entry < used; entry++) this.#enterBucket(entry, this.#word(entry, HASH));
  }
}

/** FNV-1a, mixed once more because the buckets take its low bits. */
function hashOf(name: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function grown(words: Uint32Array, needed: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(needed, Math.ceil(words.length * 1.5)));
  larger.set(words);
  return larger;
}
