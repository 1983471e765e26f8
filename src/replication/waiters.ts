// Who waits until peers have durably applied an operation (`pfs sync`, remote fsync levels), each with a deadline.
import { PacketFsError } from '../base/errors.ts';
import type { Milliseconds } from '../base/units.ts';

interface Waiter {
  readonly isReached: () => boolean;
  readonly deadline: Milliseconds;
  readonly what: string;
  readonly resolve: () => void;
  readonly reject: (error: PacketFsError) => void;
}

export class Waiters {
  readonly #waiters = new Set<Waiter>();

  get nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const waiter of this.#waiters) next = next === undefined ? waiter.deadline : Math.min(next, waiter.deadline);
    return next;
  }

  wait(isReached: () => boolean, options: { readonly deadline: Milliseconds; readonly what: string }): Promise<void> {
    if (isReached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.add({ isReached, ...options, resolve, reject });
    });
  }

  /** Positions moved. */
  check(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isReached()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  tick(now: Milliseconds): void {
    for (const waiter of this.#waiters) {
      if (waiter.deadline > now) continue;
      this.#waiters.delete(waiter);
      waiter.reject(new PacketFsError('PFS_TIMEOUT', `${waiter.what} was not reached in time; see pfs status.`));
    }
  }

  close(): void {
    for (const waiter of this.#waiters) waiter.reject(new PacketFsError('PFS_CLOSED', 'Replication was stopped.'));
    this.#waiters.clear();
  }
}
