// Level and, in front of it, the decoded inodes: what changed since the last commit stays in memory until a freeze has
// encoded it and the write of that freeze is durable; what is clean may be dropped and read again. So reads always see
// the newest state and never wait, and every freeze is exactly the changes since the one before.
import { Level } from 'level';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { CACHED_NAMESPACE_BYTES_MAX, LEVEL_BLOCK_CACHE_BYTES, LEVEL_OPEN_FILES_MAX } from '../base/limits.ts';
import type { InodeNumber } from '../base/units.ts';
import { type Change, decoded } from './change.ts';
import { RecordSource } from './check/source.ts';
import { encodeContent, loadContent } from './content.ts';
import { encodeDirectory } from './directory.ts';
import { InodeMap } from './inode-map.ts';
import { KIND, type Kind, kindRange, numberKey, pageKey } from './keys.ts';
import { encodeInode } from './record-writers.ts';
import { decodeExtended, decodeInode, encodeExtended } from './records.ts';
import type { ExtendedValue, InodeState } from './state.ts';
import { stateBytes } from './state-size.ts';
import type { CacheStatistics } from './types.ts';

const NO_VALUES: ReadonlyMap<string, ExtendedValue> = new Map();
/** format: the value of an orphan's record. */
const ORPHAN = Uint8Array.of(1);
/** Room that eviction makes at once, so that it does not run with every operation. */
const EVICTED_SHARE = 1 / 8;

export class Store {
  readonly #level: Level<Buffer, Uint8Array>;
  readonly #states = new InodeMap<InodeState>();
  /** Those marked so, each once; arrays, since adding to a set costs as much as the rest of a touch. */
  #dirty: InodeState[] = [];
  #frozen: InodeState[] = [];
  #changes: Change[] = [];
  /** Whose orphan record the next freeze puts or deletes. */
  readonly #orphans = new Map<InodeNumber, boolean>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** Of these, the ones of inodes that changed and are not durable. */
  #pinnedBytes = 0;
  readonly #counts = { hits: 0, misses: 0, evictions: 0 };

  private constructor(level: Level<Buffer, Uint8Array>, bytesMax: number) {
    this.#level = level;
    this.#bytesMax = bytesMax;
  }

  static async open(directory: string, bytesMax = CACHED_NAMESPACE_BYTES_MAX): Promise<Store> {
    const level = new Level<Buffer, Uint8Array>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'view',
      cacheSize: LEVEL_BLOCK_CACHE_BYTES,
      maxOpenFiles: LEVEL_OPEN_FILES_MAX,
    });
    try {
      await level.open();
    } catch (cause) {
      throw new PacketFsError('PFS_CORRUPT', 'The namespace cannot be opened', { cause, facts: { directory } });
    }
    return new Store(level, bytesMax);
  }

  get cache(): CacheStatistics {
    return { inodes: this.#states.size, bytes: this.#bytes, bytesMax: this.#bytesMax, ...this.#counts };
  }

  get dirtyCount(): number {
    return this.#dirty.length;
  }

  get hasChanges(): boolean {
    return this.#dirty.length > 0 || this.#changes.length > 0 || this.#orphans.size > 0;
  }

  get(inode: InodeNumber): InodeState | undefined {
    const cached = this.#states.get(inode);
    if (cached !== undefined) {
      cached.used = true;
      this.#counts.hits += 1;
      return cached;
    }
    this.#counts.misses += 1;
    const bytes = this.read(numberKey(KIND.inode, inode));
    if (bytes === undefined) return undefined;
    const state = decoded(() => decodeInode(inode, bytes));
    this.#insert(state);
    return state;
  }

  add(state: InodeState): void {
    assert(this.#states.get(state.inode) === undefined, 'a new inode is new');
    this.#insert(state);
    this.touch(state);
  }

  /** An inode that never reached Level or a peer. */
  forget(state: InodeState): void {
    state.gone = true;
    this.touch(state);
  }

  /** The inode's record, or something of it, has changed. */
  touch(state: InodeState): void {
    assert(state.cached, 'what changes is what the cache holds');
    if (state.dirty) return;
    state.dirty = true;
    this.#dirty.push(state);
    if (state.pinned) return; // frozen, and changed again
    state.pinned = true;
    this.#pinnedBytes += state.bytes;
  }

  /** Estimates anew what the state takes, after something of it was loaded or has grown. */
  measure(state: InodeState): void {
    if (!state.cached) return; // of a scan
    const grown = stateBytes(state) - state.bytes;
    state.bytes += grown;
    this.#bytes += grown;
    if (state.pinned) this.#pinnedBytes += grown;
  }

  extended(state: InodeState): ReadonlyMap<string, ExtendedValue> {
    return state.hasExtended || state.extended !== undefined ? this.extendedForChange(state) : NO_VALUES;
  }

  extendedForChange(state: InodeState): Map<string, ExtendedValue> {
    if (state.extended !== undefined) return state.extended;
    const bytes = state.hasExtended ? this.read(numberKey(KIND.extended, state.inode)) : undefined;
    state.extended = bytes === undefined ? new Map<string, ExtendedValue>() : decoded(() => decodeExtended(bytes));
    this.measure(state);
    return state.extended;
  }

  /** A record that is not part of an inode. */
  change(change: Change): void {
    this.#changes.push(change);
  }

  /** An inode became an orphan or is none any more; what became one since the last freeze leaves no record. */
  changeOrphan(inode: InodeNumber, isOrphan: boolean): void {
    if (this.#orphans.get(inode) === !isOrphan) this.#orphans.delete(inode);
    else this.#orphans.set(inode, isOrphan);
  }

  read(key: Buffer): Uint8Array | undefined {
    try {
      return this.#level.getSync(key);
    } catch (cause) {
      throw new PacketFsError('PFS_IO', 'The namespace cannot be read', { cause });
    }
  }

  /** What Level has now, for a check; whoever gets it closes it. */
  snapshot(): RecordSource {
    return new RecordSource(this.#level, { ownsLevel: false });
  }

  async *scan(kind: Kind): AsyncGenerator<readonly [Buffer, Uint8Array]> {
    for await (const entry of this.#level.iterator(kindRange(kind))) yield entry;
  }

  async *scanKeys(kind: Kind): AsyncGenerator<Buffer> {
    for await (const key of this.#level.keys(kindRange(kind))) yield key;
  }

  /** Encodes all that changed; it stays pinned in memory until `release`. */
  freeze(): Change[] {
    assert(this.#frozen.length === 0, 'one freeze at a time');
    const changes = this.#changes;
    for (const [inode, isOrphan] of this.#orphans) changes.push(orphanChange(inode, isOrphan));
    for (const state of this.#dirty) {
      state.dirty = false;
      if (state.gone) {
        if (state.hasPages) loadContent(state, (key) => this.read(key));
        changes.push(...removals(state));
        continue;
      }
      encodeContent(state, changes);
      encodeDirectory(state, changes);
      if (state.extendedDirty) {
        const values = this.extended(state);
        const key = numberKey(KIND.extended, state.inode);
        changes.push(values.size === 0 ? { type: 'del', key } : { type: 'put', key, value: encodeExtended(values) });
        state.extendedDirty = false;
      }
      changes.push({ type: 'put', key: numberKey(KIND.inode, state.inode), value: encodeInode(state) });
    }
    this.#frozen = this.#dirty;
    this.#dirty = [];
    this.#changes = [];
    this.#orphans.clear();
    return changes;
  }

  /** A chained batch: Level's other one copies each change into an object of its own, ten times as slowly. */
  async write(changes: readonly Change[]): Promise<void> {
    const batch = this.#level.batch();
    for (const change of changes) {
      if (change.type === 'put') batch.put(change.key, change.value);
      else batch.del(change.key);
    }
    await batch.write({ sync: true });
  }

  release(): void {
    for (const state of this.#frozen) {
      if (state.gone) this.#drop(state);
      else if (!state.dirty) this.#unpin(state);
    }
    this.#frozen = [];
    this.settle();
  }

  /** Drops what is too much. Only between operations: within one, its states must stay the ones in the cache. */
  settle(): void {
    if (this.#bytes - this.#pinnedBytes > this.#bytesMax) this.#evict();
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #insert(state: InodeState): void {
    this.#states.set(state.inode, state);
    state.cached = true;
    this.measure(state);
  }

  #unpin(state: InodeState): void {
    if (state.reaped) {
      this.#drop(state); // only an operation that comes late reads it again
      return;
    }
    // What a write left beside the encoded form is read again from it.
    if (!state.hasPages) state.content = undefined;
    this.measure(state);
    state.pinned = false;
    this.#pinnedBytes -= state.bytes;
  }

  #drop(state: InodeState): void {
    if (!state.cached) return;
    state.cached = false;
    this.#states.delete(state.inode);
    this.#bytes -= state.bytes;
    if (state.pinned) this.#pinnedBytes -= state.bytes;
  }

  /** Second chance: what was used since the hand passed, and what may not go, stays until it passes again. */
  #evict(): void {
    const target = this.#bytesMax * (1 - EVICTED_SHARE);
    this.#states.sweep((state) => {
      if (state.pinned || state.used) state.used = false;
      else {
        this.#drop(state);
        this.#counts.evictions += 1;
      }
      return this.#bytes - this.#pinnedBytes <= target ? 'stop' : 'go on';
    });
  }
}

function orphanChange(inode: InodeNumber, isOrphan: boolean): Change {
  const key = numberKey(KIND.orphan, inode);
  return isOrphan ? { type: 'put', key, value: ORPHAN } : { type: 'del', key };
}

function removals(state: InodeState): Change[] {
  const changes: Change[] = [{ type: 'del', key: numberKey(KIND.inode, state.inode) }];
  if (state.hasExtended) changes.push({ type: 'del', key: numberKey(KIND.extended, state.inode) });
  const extentPages = [...(state.content?.pages ?? []).map(({ page }) => page), ...(state.content?.removedPages ?? [])];
  for (const page of extentPages) changes.push({ type: 'del', key: pageKey(KIND.extentPage, state.inode, page) });
  if (state.hasPages) changes.push({ type: 'del', key: numberKey(KIND.extentIndex, state.inode) });
  for (let page = 0; page < state.namePages; page++) {
    changes.push({ type: 'del', key: pageKey(KIND.namePage, state.inode, page) });
  }
  return changes;
}
