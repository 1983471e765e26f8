// Tells the mount what a remote change made stale in the kernel's caches. The kernel takes invalidations at its own
// pace, and nothing may block for it (native/core/fuse/invalidations.h); so who has more remote changes waits here first.
import { setTimeout as delay } from 'node:timers/promises';
import { INVALIDATIONS_QUEUED_MAX } from '../base/limits.ts';
import type { Invalidation } from './volume.ts';

export interface InvalidationListener {
  readonly invalidate: (invalidation: Invalidation) => void;
  /** Invalidations that the kernel has not taken yet. */
  readonly queuedCount: () => number;
}

const POLL_MS = 10;

export class Invalidations {
  readonly #listeners = new Set<InvalidationListener>();

  get queuedCount(): number {
    return [...this.#listeners].reduce((sum, listener) => sum + listener.queuedCount(), 0);
  }

  subscribe(listener: InvalidationListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether a kernel caches anything. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  publish(invalidation: Invalidation): void {
    if (invalidation.inodes.length === 0 && invalidation.entries.length === 0) return;
    for (const { invalidate } of this.#listeners) invalidate(invalidation);
  }

  get isFull(): boolean {
    return this.queuedCount > INVALIDATIONS_QUEUED_MAX;
  }

  /** Resolves when the kernel has taken enough of what was published, or no mount is left to take it. */
  async room(): Promise<void> {
    while (this.isFull) await delay(POLL_MS);
  }
}
