// Makes operations of the pending local changes and stamps the registers they wrote. The order (created directories,
// moves of directories, created files, names, removed directories, updates) lets each operation find what it refers to;
// a batch applies as a whole, so the order of names does not matter otherwise.
import type { Extent } from '../extent/extent.ts';
import type { OperationAttributes, OperationExtendedAttribute } from '../wire/operations.ts';
import type { BatchMaker } from './batch-maker.ts';
import { buryAll, forgetDead, noteEdit } from './dead-links.ts';
import type { MoveLog } from './moves.ts';
import type { LinkChanges, Pending, Touched } from './pending.ts';
import { type InodeState, isDirectory, isFile, type NameLink, REGISTERS, type Stamp } from './state.ts';
import { REMOVAL_PENDING, type Tree } from './tree.ts';

export interface SealOptions {
  readonly pending: Pending;
  readonly maker: BatchMaker;
  readonly tree: Tree;
  readonly moves: MoveLog;
  readonly extentsOf: (state: InodeState) => readonly Extent[];
}

export function seal(options: SealOptions): void {
  new Sealer(options).run();
}

class Sealer {
  readonly #pending: Pending;
  readonly #maker: BatchMaker;
  readonly #tree: Tree;
  readonly #moves: MoveLog;
  readonly #extentsOf: (state: InodeState) => readonly Extent[];
  /** Directories are created where they are now, or, where order matters, where they were created. */
  readonly #inOrder: boolean;
  readonly #emitted = new Set<InodeState>();
  readonly #lastPlace = new Map<InodeState, NameLink>();

  constructor(options: SealOptions) {
    this.#pending = options.pending;
    this.#maker = options.maker;
    this.#tree = options.tree;
    this.#moves = options.moves;
    this.#extentsOf = options.extentsOf;
    this.#inOrder = options.pending.movesKnownDirectories;
  }

  run(): void {
    const { created, moves, links, removedDirectories, touched } = this.#pending;
    for (const state of created.keys()) if (isDirectory(state)) this.#createDirectory(state);
    for (const move of moves) this.#move(move);
    for (const state of created.keys()) if (!isDirectory(state)) this.#createFile(state);
    for (const [state, changes] of links) this.#relink(state, changes);
    for (const state of removedDirectories) this.#removeDirectory(state);
    for (const [state, what] of touched) this.#update(state, what);
  }

  #createDirectory(state: InodeState): void {
    if (this.#emitted.has(state)) return;
    this.#emitted.add(state);
    const original = this.#pending.created.get(state);
    const position = this.#inOrder ? original : state.position;
    if (position === undefined || (!this.#inOrder && state.removed === REMOVAL_PENDING)) return;
    // Where order does not matter a directory may have been moved into one that was created later.
    const parent = this.#tree.require(position.parent);
    if (this.#pending.created.has(parent)) this.#createDirectory(parent);
    const stamp = this.#create(state, position);
    const stamped = { ...position, stamp };
    this.#lastPlace.set(state, stamped);
    if (state.position === position || !this.#inOrder) this.#setPosition(state, stamped);
  }

  #createFile(state: InodeState): void {
    const [first, ...others] = this.#pending.links.get(state)?.added ?? [];
    if (first === undefined) return; // created and removed
    const stamp = this.#create(state, first);
    this.#stampLinks(state, new Map([[first, stamp], ...this.#link(state, others)]));
    this.#pending.links.delete(state);
  }

  #create(state: InodeState, link: NameLink): Stamp {
    const { record } = state;
    const stamp = this.#maker.add(() => ({
      kind: 'create',
      inode: this.#maker.id(state.inode),
      parent: this.#maker.id(link.parent),
      name: link.name,
      attributes: this.#createAttributes(state),
      device: record.device,
      target: record.target,
      content: isFile(state) && record.size > 0n ? this.#maker.content(record.size, this.#extentsOf(state)) : undefined,
    }));
    state.replicated = true;
    for (const register of REGISTERS) state.stamps[register] = stamp;
    this.#stampExtended(state, [...this.#tree.store.extended(state).keys()], stamp);
    this.#tree.store.touch(state);
    return stamp;
  }

  #createAttributes(state: InodeState): OperationAttributes {
    const { mode, uid, gid, modified } = state.record;
    const owner = { ...(uid === 0 ? {} : { uid }), ...(gid === 0 ? {} : { gid }) };
    return {
      mode,
      ...owner,
      modified,
      extended: this.#extended(state, [...this.#tree.store.extended(state).keys()], true),
    };
  }

  #move(move: { state: InodeState; from: NameLink; to: NameLink }): void {
    const { state, from, to } = move;
    if (!this.#inOrder || !isDirectory(state)) return; // it was created at its last position
    const stamp = this.#maker.add(() => ({
      kind: 'rename',
      inode: this.#maker.id(state.inode),
      oldParent: this.#maker.id(from.parent),
      oldName: from.name,
      newParent: this.#maker.id(to.parent),
      newName: to.name,
    }));
    // What it was moved from keeps the tag that it has got by now.
    const previous = this.#lastPlace.get(state) ?? from;
    const stamped = { ...to, stamp };
    this.#lastPlace.set(state, stamped);
    this.#moves.append({ stamp, inode: state.inode, to: stamped, from: previous });
    if (state.position === to) this.#setPosition(state, stamped);
  }

  #relink(state: InodeState, { added, removed }: LinkChanges): void {
    if (!state.replicated) return;
    const [moved] = added;
    const [left] = removed;
    if (added.length === 1 && removed.length === 1 && moved !== undefined && left !== undefined) {
      const stamp = this.#maker.add(() => ({
        kind: 'rename',
        inode: this.#maker.id(state.inode),
        oldParent: this.#maker.id(left.parent),
        oldName: left.name,
        newParent: this.#maker.id(moved.parent),
        newName: moved.name,
      }));
      this.#stampLinks(state, new Map([[moved, stamp]]));
      forgetDead(state, left);
      return;
    }
    if (added.length > 0) this.#stampLinks(state, this.#link(state, added));
    const stamps = removed.map((link) => this.#maker.add(() => this.#nameOperation('unlink', state, link)));
    buryAll(state, removed, stamps);
    this.#tree.store.touch(state);
  }

  #link(state: InodeState, links: readonly NameLink[]): Map<NameLink, Stamp> {
    return new Map(links.map((link) => [link, this.#maker.add(() => this.#nameOperation('link', state, link))]));
  }

  #removeDirectory(state: InodeState): void {
    if (!state.replicated || state.removed !== REMOVAL_PENDING || state.position === undefined) return;
    const { position } = state;
    state.removed = this.#maker.add(() => this.#nameOperation('unlink', state, position));
    this.#tree.store.touch(state);
  }

  #nameOperation(kind: 'link' | 'unlink', state: InodeState, link: NameLink) {
    const parent = this.#maker.id(link.parent);
    return { kind, inode: this.#maker.id(state.inode), parent, name: link.name } as const;
  }

  #update(state: InodeState, { registers, extended }: Touched): void {
    const { record } = state;
    const stamp = this.#maker.add(() => ({
      kind: 'update',
      inode: this.#maker.id(state.inode),
      attributes: {
        ...(registers.has('mode') ? { mode: record.mode } : {}),
        ...(registers.has('owner') ? { uid: record.uid, gid: record.gid } : {}),
        ...(registers.has('modified') ? { modified: record.modified } : {}),
        extended: this.#extended(state, [...extended], false),
      },
      content: registers.has('content') ? this.#maker.content(record.size, this.#extentsOf(state)) : undefined,
    }));
    for (const register of registers) state.stamps[register] = stamp;
    if (registers.has('content')) noteEdit(state, stamp);
    this.#stampExtended(state, [...extended], stamp);
    this.#tree.store.touch(state);
  }

  #extended(state: InodeState, keys: readonly string[], presentOnly: boolean): OperationExtendedAttribute[] {
    const values = this.#tree.store.extended(state);
    return keys.flatMap((key) => {
      const found = values.get(key);
      if (found === undefined || (presentOnly && found.value === undefined)) return [];
      return [{ name: found.name, value: found.value ?? new Uint8Array(0), removed: found.value === undefined }];
    });
  }

  #stampExtended(state: InodeState, keys: readonly string[], stamp: Stamp): void {
    if (keys.length === 0) return;
    const values = this.#tree.store.extendedForChange(state);
    for (const key of keys) {
      const found = values.get(key);
      if (found !== undefined) values.set(key, { ...found, stamp });
    }
    state.extendedDirty = true;
  }

  /** All at once, since an inode may have tens of thousands of names. */
  #stampLinks(state: InodeState, stamps: ReadonlyMap<NameLink, Stamp>): void {
    state.links = state.links.map((link) => {
      const stamp = stamps.get(link);
      return stamp === undefined ? link : { ...link, stamp };
    });
    this.#tree.store.touch(state);
  }

  #setPosition(state: InodeState, position: NameLink): void {
    if (state.links.length > 0) state.links = [position];
    state.position = position;
    this.#tree.store.touch(state);
  }
}
