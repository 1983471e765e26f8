// Reading the namespace: inodes, directories, attributes and extents as the mount sees them. Nothing here changes it.
import type { InodeNumber } from '../base/units.ts';
import { ROOT_INODE } from '../base/units.ts';
import { type Extent, isHole } from '../extent/extent.ts';
import type { ConflictTable } from './conflicts.ts';
import { readExtents } from './content.ts';
import { KIND } from './keys.ts';
import type { Mutator } from './mutations.ts';
import type { NameListing } from './name-listing.ts';
import { namesOf, pathsOf } from './paths.ts';
import { decodeInode } from './records.ts';
import { type InodeState, isDirectory, nameKey } from './state.ts';
import type { Store } from './store.ts';
import { assertDirectory, type Tree } from './tree.ts';
import type { ConflictRecord, InodeRecord, NamespaceStatistics, ShownName } from './types.ts';

export interface ReaderParts {
  readonly store: Store;
  readonly tree: Tree;
  readonly conflicts: ConflictTable;
  /** Finds inodes that are not reaped. */
  readonly mutator: Mutator;
}

export class NamespaceReader {
  readonly #store: Store;
  readonly #tree: Tree;
  readonly #conflicts: ConflictTable;
  readonly #mutator: Mutator;

  constructor(parts: ReaderParts) {
    this.#store = parts.store;
    this.#tree = parts.tree;
    this.#conflicts = parts.conflicts;
    this.#mutator = parts.mutator;
  }

  inode(inode: InodeNumber): InodeRecord | undefined {
    this.#store.settle();
    const state = this.#store.get(inode);
    return state === undefined || state.reaped ? undefined : state.record;
  }

  lookup(parent: InodeNumber, name: Uint8Array): InodeRecord | undefined {
    this.#store.settle();
    return this.#tree.find(this.#mutator.parent(parent), name)?.state.record;
  }

  readDirectory(inode: InodeNumber): NameListing {
    this.#store.settle();
    const state = this.#mutator.live(inode);
    assertDirectory(state);
    return this.#tree.listing(state);
  }

  nameCount(directory: InodeNumber): number {
    const state = this.#mutator.live(directory);
    assertDirectory(state);
    return this.#tree.directory(state).names.size;
  }

  parentOf(directory: InodeNumber): InodeNumber {
    const state = this.#mutator.live(directory);
    assertDirectory(state);
    return state.position?.parent ?? ROOT_INODE;
  }

  extents(inode: InodeNumber, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[] {
    const state = this.#mutator.live(inode);
    return this.extentsOf(state, range);
  }

  extendedAttribute(inode: InodeNumber, name: Uint8Array): Uint8Array | undefined {
    const state = this.#mutator.live(inode);
    return this.#store.extended(state).get(nameKey(name))?.value;
  }

  extendedAttributeNames(inode: InodeNumber): readonly Uint8Array[] {
    const values = this.#store.extended(this.#mutator.live(inode)).values();
    return [...values].filter(({ value }) => value !== undefined).map(({ name }) => name);
  }

  pathsOf(inode: InodeNumber): readonly Uint8Array[] {
    this.#store.settle();
    const state = this.#store.get(inode);
    return state === undefined ? [] : pathsOf(this.#tree, state);
  }

  namesOf(inode: InodeNumber): readonly ShownName[] {
    this.#store.settle();
    const state = this.#store.get(inode);
    return state === undefined ? [] : namesOf(this.#tree, state);
  }

  statistics(): NamespaceStatistics {
    return {
      inodes: this.#tree.inodeCount,
      pendingInodes: this.#store.dirtyCount,
      cache: this.#store.cache,
    };
  }

  conflicts(): readonly ConflictRecord[] {
    return this.#conflicts.all();
  }

  async *allExtents(): AsyncGenerator<{ readonly inode: InodeNumber; readonly extents: readonly Extent[] }> {
    for await (const [key, bytes] of this.#store.scan(KIND.inode)) {
      const state = decodeInode(key.readBigUInt64BE(1), bytes);
      if (state.reaped || state.record.allocatedBytes === 0n) continue;
      const extents = this.extentsOf(state).filter((extent) => !isHole(extent));
      yield { inode: state.inode, extents };
    }
  }

  extentsOf(state: InodeState, range?: { readonly offset: bigint; readonly length: bigint }): readonly Extent[] {
    if (isDirectory(state) || state.record.target !== undefined) return [];
    const { size } = state.record;
    const offset = range?.offset ?? 0n;
    const wanted = range === undefined ? size : range.length;
    const length = offset + wanted > size ? size - offset : wanted;
    if (length <= 0n) return [];
    const extents = readExtents(state, { offset, length }, (key) => this.#store.read(key));
    this.#store.measure(state);
    return extents;
  }
}
