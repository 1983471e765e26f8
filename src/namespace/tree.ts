// The tree as a whole: which inode has which names, which directory is where. Local mutations and applied operations
// both go through here, so that link counts, directory pages, orphans and what a kernel must forget agree with them.
// A directory has one position; it is shown there (it has a link) unless it was removed and is empty (merge rules in
// docs/format/namespace.md).
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { type InodeNumber, logNumber, ROOT_INODE } from '../base/units.ts';
import { type ChangeSet, newChangeSet, noteChange } from './change-set.ts';
import { CONFLICT_MARK, conflictName } from './conflict-names.ts';
import { deleteName, insertName, loadDirectory } from './directory.ts';
import type { LogTable } from './logs.ts';
import { NameListing } from './name-listing.ts';
import type { NamedInode } from './name-table.ts';
import { linkCount } from './records.ts';
import {
  type DirectoryState,
  type InodeState,
  isDirectory,
  type NameLink,
  nameBytes,
  nameKey,
  type Stamp,
  TYPE_MASK,
} from './state.ts';
import type { Store } from './store.ts';
import type { InodeRecord, NameEntry } from './types.ts';

/** The stamp of a removal that has no sequence number yet: after every other. */
export const REMOVAL_PENDING: Stamp = { clock: (1n << 64n) - 1n, log: logNumber(0), sequence: 0n };

/** What an inode is stays. */
type RecordChanges = Partial<Omit<InodeRecord, 'inode' | 'device' | 'target'>>;

export interface Found {
  readonly state: InodeState;
  /** As it is kept: without a conflict suffix. */
  readonly name: Uint8Array;
}

export class Tree {
  readonly store: Store;
  readonly logs: LogTable;
  /** Inodes without a name that are not reaped. */
  readonly orphans = new Set<InodeNumber>();
  /** Inodes reaped since the last seal, which decides whether any peer hears of them; one may be there twice. */
  #reaped: InodeState[] = [];
  inodeCount = 0n;
  /** While a batch is applied. */
  changes: ChangeSet | undefined;
  #vanished: ChangeSet | undefined;
  readonly #read = (key: Buffer): Uint8Array | undefined => this.store.read(key);

  constructor(store: Store, logs: LogTable) {
    this.store = store;
    this.logs = logs;
  }

  /** Of an inode that has a record: also without names, also reaped. */
  require(inode: InodeNumber): InodeState {
    const state = this.store.get(inode);
    if (state === undefined) throw new PacketFsError('PFS_STALE', 'The inode does not exist', { facts: { inode } });
    return state;
  }

  update(state: InodeState, changes: RecordChanges): void {
    if (this.changes !== undefined) noteChange(this.changes, state.record);
    state.record = changedRecord(state.record, changes);
    this.store.touch(state);
  }

  directory(state: InodeState): DirectoryState {
    if (state.directory !== undefined) return state.directory;
    const directory = loadDirectory(state, this.#read);
    this.store.measure(state);
    return directory;
  }

  isEmpty(state: InodeState): boolean {
    return this.directory(state).names.size === 0;
  }

  // ---- names

  /** The inode that a name shows, also by its conflict name. */
  find(parent: InodeState, name: Uint8Array): Found | undefined {
    const { names, crowded } = this.directory(parent);
    const first = names.find(name);
    if (crowded.size > 0) return this.#findCrowded(parent, name, first);
    return first === undefined ? undefined : { state: this.require(first.inode), name };
  }

  /** What a kept name is shown as: itself, and a conflict name for each inode that lost it. */
  shownNames(parent: InodeState, key: string): (readonly [string, NamedInode])[] {
    const { names } = this.directory(parent);
    const used = new Set<string>();
    return this.#ranked(parent, key).map((named, index) => {
      if (index === 0) return [key, named] as const;
      const stamp = this.#stampOf(parent.inode, key, named.inode);
      let earlier = 0;
      let shown = conflictName(key, stamp, this.logs, earlier);
      // Somebody may have given another inode that very name.
      while (names.find(nameBytes(shown)) !== undefined || used.has(shown)) {
        shown = conflictName(key, stamp, this.logs, ++earlier);
      }
      used.add(shown);
      return [shown, named] as const;
    });
  }

  /** All that is shown, page after page. */
  listing(state: InodeState): NameListing {
    const { names, crowded } = this.directory(state);
    if (crowded.size === 0) return names.listing();
    const entries: NameEntry[] = [];
    for (const { name, inode, mode } of names.listing()) {
      const key = nameKey(name);
      const ways = crowded.has(key) ? this.shownNames(state, key) : [];
      const shown = ways.find(([, named]) => named.inode === inode)?.[0];
      entries.push({ name: shown === undefined ? name : nameBytes(shown), inode, mode });
    }
    return NameListing.of(entries);
  }

  /** Gives an inode that is no directory a name. */
  addLink(state: InodeState, link: NameLink): void {
    const parent = this.require(link.parent);
    const already = this.#hasName(parent, link.name, state.inode);
    state.links.push(link);
    if (already) {
      this.store.touch(state); // one more tag of a name it has
      return;
    }
    this.#revive(state);
    this.update(state, { links: state.record.links + 1 });
    this.#insert(parent, link.name, state);
  }

  /** Takes one tag of a name away, and the name with its last tag. */
  removeLink(state: InodeState, link: NameLink): void {
    const mayShareName = hasSharedNames(state);
    const index = state.links.indexOf(link);
    if (index >= 0) state.links.splice(index, 1);
    if (mayShareName && tagsOf(state, link.parent, link.name).length > 0) {
      this.store.touch(state);
      return;
    }
    this.update(state, { links: state.record.links - 1 });
    this.#delete(this.require(link.parent), link.name, state);
    if (state.record.links === 0) this.orphan(state);
  }

  // ---- directories

  isRemoved(state: InodeState): boolean {
    if (state.removed === undefined) return false;
    return state.removed === REMOVAL_PENDING || this.logs.compare(state.removed, state.position?.stamp) > 0;
  }

  /** Shows a directory at its position, or hides it, whichever its registers say. */
  refresh(state: InodeState): void {
    if (state.inode === ROOT_INODE) return;
    const shown = state.links[0];
    const wanted = !this.isRemoved(state) || !this.isEmpty(state) ? state.position : undefined;
    if (shown === wanted) return;
    if (shown !== undefined) this.hide(state);
    if (wanted !== undefined) this.#show(state, wanted);
  }

  hide(state: InodeState): void {
    const shown = state.links[0];
    if (shown === undefined) return;
    const parent = this.require(shown.parent);
    state.links = [];
    parent.subdirectories -= 1;
    this.#countDirectory(parent);
    this.#countDirectory(state);
    this.#delete(parent, shown.name, state);
    this.orphan(state);
  }

  /** What local changes made stale by emptying directories that a peer had removed. */
  takeVanished(): ChangeSet | undefined {
    const vanished = this.#vanished;
    this.#vanished = undefined;
    return vanished;
  }

  /** Whether `directory` would become its own ancestor under `parent`. */
  closesCycle(directory: InodeState, parent: InodeNumber): boolean {
    for (let inode = parent; inode !== ROOT_INODE; ) {
      if (inode === directory.inode) return true;
      const position = this.require(inode).position;
      assert(position !== undefined, 'every directory but the root has a position');
      inode = position.parent;
    }
    return false;
  }

  /** Notes that an inode has no name. */
  orphan(state: InodeState): void {
    if (this.orphans.has(state.inode)) return;
    this.orphans.add(state.inode);
    this.store.changeOrphan(state.inode, true);
    this.changes?.unlinked.add(state.inode);
  }

  /** An inode without name or handle is gone for the caller; if a peer knows it, late operations may need it still. */
  reap(state: InodeState): boolean {
    if (state.record.links > 0 || state.reaped) return false;
    this.orphans.delete(state.inode);
    this.store.changeOrphan(state.inode, false);
    this.inodeCount -= 1n;
    state.reaped = true;
    this.store.touch(state);
    this.#reaped.push(state);
    return true;
  }

  /** After a seal: what no operation has created leaves nothing behind. */
  forgetReaped(): void {
    for (const state of this.#reaped) if (state.reaped && !state.replicated) this.store.forget(state);
    this.#reaped = [];
  }

  /** From the directory, since an inode may have tens of thousands of names. */
  #hasName(parent: InodeState, name: Uint8Array, inode: InodeNumber): boolean {
    return this.directory(parent)
      .names.all(name)
      .some((named) => named.inode === inode);
  }

  #show(state: InodeState, position: NameLink): void {
    const parent = this.require(position.parent);
    this.#revive(state);
    state.links = [position];
    parent.subdirectories += 1;
    this.#countDirectory(parent);
    this.#countDirectory(state);
    this.#insert(parent, position.name, state);
  }

  #insert(parent: InodeState, name: Uint8Array, state: InodeState): void {
    const type = state.record.mode & TYPE_MASK;
    this.#note(parent, name);
    insertName(parent, this.directory(parent), name, { inode: state.inode, type });
    this.store.touch(parent);
    this.#note(parent, name);
    if (parent.links.length === 0) this.refresh(parent);
  }

  /** In a directory where inodes share names: the best of them has it, the others have conflict names. */
  #findCrowded(parent: InodeState, name: Uint8Array, first: NamedInode | undefined): Found | undefined {
    const { crowded } = this.directory(parent);
    const key = nameKey(name);
    if (first !== undefined) {
      const shown = crowded.has(key) ? (this.#ranked(parent, key)[0] ?? first) : first;
      return { state: this.require(shown.inode), name };
    }
    if (!key.includes(CONFLICT_MARK)) return undefined;
    for (const kept of crowded) {
      for (const [shown, named] of this.shownNames(parent, kept)) {
        if (shown === key) return { state: this.require(named.inode), name: nameBytes(kept) };
      }
    }
    return undefined;
  }

  #delete(parent: InodeState, name: Uint8Array, state: InodeState): void {
    this.#note(parent, name);
    deleteName(this.directory(parent), name, state);
    this.store.touch(parent);
    this.#note(parent, name);
    if (this.isRemoved(parent) && this.isEmpty(parent)) this.#vanish(parent);
  }

  /** A removed directory goes with its last name; the kernel that took that name away does not know. */
  #vanish(directory: InodeState): void {
    const { changes } = this;
    this.changes ??= this.#vanished ??= newChangeSet();
    try {
      this.refresh(directory);
    } finally {
      this.changes = changes;
    }
  }

  #revive(state: InodeState): void {
    if (this.orphans.delete(state.inode)) {
      this.store.changeOrphan(state.inode, false);
      this.changes?.unlinked.delete(state.inode);
    }
    if (!state.reaped) return;
    state.reaped = false;
    this.inodeCount += 1n;
  }

  #countDirectory(state: InodeState): void {
    const isRoot = state.inode === ROOT_INODE;
    const { subdirectories } = state;
    this.update(state, { links: linkCount({ isDirectory: true, isRoot, links: state.links.length, subdirectories }) });
  }

  #note(parent: InodeState, name: Uint8Array): void {
    if (this.changes === undefined) return;
    const key = nameKey(name);
    noteChange(this.changes, parent.record);
    this.changes.entries.set(`${parent.inode}/${key}`, { parent: parent.inode, name: key });
    if (!this.directory(parent).crowded.has(key)) return;
    for (const [shown] of this.shownNames(parent, key)) {
      this.changes.entries.set(`${parent.inode}/${shown}`, { parent: parent.inode, name: shown });
    }
  }

  /** The inodes that share a name, in the order of their stamps: the greatest keeps it. */
  #ranked(parent: InodeState, key: string): NamedInode[] {
    const named = this.directory(parent).names.all(nameBytes(key));
    if (named.length <= 1) return named;
    const stamps = new Map(named.map(({ inode }) => [inode, this.#stampOf(parent.inode, key, inode)]));
    return named.sort((left, right) => this.logs.compare(stamps.get(right.inode), stamps.get(left.inode)));
  }

  /** The greatest tag of a name; undefined: one of this commit. */
  #stampOf(parent: InodeNumber, key: string, inode: InodeNumber): Stamp | undefined {
    const links = tagsOf(this.require(inode), parent, nameBytes(key));
    return links
      .map((link) => link.stamp)
      .reduce((best, stamp) => (this.logs.compare(stamp, best) > 0 ? stamp : best), links[0]?.stamp);
  }
}

/** Compares from the end, where the names of one inode or directory differ as a rule. */
export function sameName(link: NameLink, parent: InodeNumber, name: Uint8Array): boolean {
  if (link.name.length !== name.length) return false;
  for (let index = name.length - 1; index >= 0; index--) if (link.name[index] !== name[index]) return false;
  return link.parent === parent;
}

/** Whether a name of an inode that is no directory may have more than one tag. */
const hasSharedNames = ({ links, record }: InodeState): boolean => links.length !== record.links;

/** All tags of one name: concurrent operations may have added it more than once. */
export function tagsOf(state: InodeState, parent: InodeNumber, name: Uint8Array): NameLink[] {
  if (hasSharedNames(state)) return state.links.filter((link) => sameName(link, parent, name));
  const only = state.links.find((link) => sameName(link, parent, name));
  return only === undefined ? [] : [only];
}

/** Field by field: a spread of two objects takes V8 several times as long. */
const changedRecord = (record: InodeRecord, changes: RecordChanges): InodeRecord => ({
  inode: record.inode,
  mode: changes.mode ?? record.mode,
  uid: changes.uid ?? record.uid,
  gid: changes.gid ?? record.gid,
  links: changes.links ?? record.links,
  device: record.device,
  size: changes.size ?? record.size,
  allocatedBytes: changes.allocatedBytes ?? record.allocatedBytes,
  accessed: changes.accessed ?? record.accessed,
  modified: changes.modified ?? record.modified,
  changed: changes.changed ?? record.changed,
  target: record.target,
  contentVersion: changes.contentVersion ?? record.contentVersion,
});

export function assertDirectory(state: InodeState): void {
  if (isDirectory(state)) return;
  throw new PacketFsError('PFS_NOT_DIRECTORY', 'The inode is not a directory', { facts: { inode: state.inode } });
}
