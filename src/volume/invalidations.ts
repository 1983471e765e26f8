// Tells the mount what a remote change made stale in the kernel's caches.
import type { Invalidation } from './volume.ts';

export type InvalidationListener = (invalidation: Invalidation) => void;

export class Invalidations {
  readonly #listeners = new Set<InvalidationListener>();

  subscribe(listener: InvalidationListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(invalidation: Invalidation): void {
    if (invalidation.inodes.length === 0 && invalidation.entries.length === 0) return;
    for (const listener of this.#listeners) listener(invalidation);
  }
}
