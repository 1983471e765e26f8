// Local changes since the last seal, coalesced as they come: per inode what differs, not how it came to be. seal.ts
// makes operations of them.
import type { InodeNumber } from '../base/units.ts';
import { type InodeState, isDirectory, type NameLink, type Register } from './state.ts';
import { sameName } from './tree.ts';

export interface Touched {
  readonly registers: Set<Register>;
  /** Keys of extended attributes. */
  readonly extended: Set<string>;
}

export interface LinkChanges {
  readonly added: NameLink[];
  removed: NameLink[];
}

export interface PendingMove {
  readonly state: InodeState;
  readonly from: NameLink;
  readonly to: NameLink;
}

export class Pending {
  /** Inodes that no operation has created yet, with the name they were created under. */
  readonly created = new Map<InodeState, NameLink>();
  readonly touched = new Map<InodeState, Touched>();
  readonly links = new Map<InodeState, LinkChanges>();
  readonly moves: PendingMove[] = [];
  readonly removedDirectories = new Set<InodeState>();

  get isEmpty(): boolean {
    return (
      this.created.size === 0 &&
      this.touched.size === 0 &&
      this.links.size === 0 &&
      this.moves.length === 0 &&
      this.removedDirectories.size === 0
    );
  }

  touch(state: InodeState, ...registers: Register[]): void {
    if (!state.replicated) return;
    const touched = this.#touched(state);
    for (const register of registers) touched.registers.add(register);
  }

  touchExtended(state: InodeState, key: string): void {
    if (state.replicated) this.#touched(state).extended.add(key);
  }

  /** The links to add: of a name that this commit took away, the old ones with their tags. */
  addLink(state: InodeState, parent: InodeNumber, name: Uint8Array): readonly NameLink[] {
    const link: NameLink = { parent, name, stamp: undefined };
    if (!state.replicated && !this.created.has(state)) this.created.set(state, link);
    const changes = this.#linkChanges(state);
    const old = changes.removed.filter((removed) => sameName(removed, parent, name));
    if (old.length > 0) {
      changes.removed = changes.removed.filter((removed) => !old.includes(removed));
      return old;
    }
    changes.added.push(link);
    return [link];
  }

  removeLink(state: InodeState, link: NameLink): void {
    const changes = this.#linkChanges(state);
    const index = changes.added.indexOf(link);
    if (index >= 0) changes.added.splice(index, 1);
    else if (state.replicated) changes.removed.push(link);
  }

  move(state: InodeState, from: NameLink, to: NameLink): void {
    this.moves.push({ state, from, to });
  }

  /** Whether the order of directory moves matters: only where directories that peers know were moved. */
  get movesKnownDirectories(): boolean {
    return this.moves.some(({ state }) => isDirectory(state) && state.replicated);
  }

  #touched(state: InodeState): Touched {
    let touched = this.touched.get(state);
    if (touched === undefined) {
      touched = { registers: new Set(), extended: new Set() };
      this.touched.set(state, touched);
    }
    return touched;
  }

  #linkChanges(state: InodeState): LinkChanges {
    let changes = this.links.get(state);
    if (changes === undefined) {
      changes = { added: [], removed: [] };
      this.links.set(state, changes);
    }
    return changes;
  }
}
