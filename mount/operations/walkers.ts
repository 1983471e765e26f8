// Which callers look at the inodes of what they list (`du`, `find -ls`, rsync). The kernel takes attributes with every
// listing; for a large directory we give them to those callers, who then need no look-up for each name, and not to those
// who want names, who would wait until every inode is read. Told by what a caller did before: it looked up something that
// is no directory (who descends looks those up) in a directory that was listed a moment ago, perhaps by another thread.
import type { InodeNumber } from '../../src/base/units.ts';

const REMEMBERED_MAX = 256;

export class Walkers {
  readonly #listed = new Set<InodeNumber>();
  readonly #walkers = new Set<number>();

  noteListing(directory: InodeNumber): void {
    remember(this.#listed, directory);
  }

  /** Of what is no directory. `caller`: a thread, as FUSE tells it. */
  noteLookup(directory: InodeNumber, caller: number): void {
    if (!this.#walkers.has(caller) && this.#listed.has(directory)) remember(this.#walkers, caller);
  }

  isWalker(caller: number): boolean {
    return this.#walkers.has(caller);
  }
}

/** Adds one as the newest, and lets the oldest go where there are too many. */
function remember<Value>(values: Set<Value>, value: Value): void {
  values.delete(value);
  values.add(value);
  if (values.size <= REMEMBERED_MAX) return;
  for (const oldest of values) {
    values.delete(oldest);
    return;
  }
}
