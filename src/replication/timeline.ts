// Time without a clock: the daemon (or the simulation) tells the time in `handleTimeout`. What happens in between is
// stamped at the next telling, never with a stale time: a fresh stamp makes `nextTimeout` answer "now".
import { type Milliseconds, milliseconds } from '../base/units.ts';

/** A moment: undefined until the time is told. */
export interface Stamp {
  at: Milliseconds | undefined;
}

export class Timeline {
  #now = milliseconds(0);
  #pending: Stamp[] = [];

  /** As last told. */
  get now(): Milliseconds {
    return this.#now;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  stamp(): Stamp {
    const stamp: Stamp = { at: undefined };
    this.#pending.push(stamp);
    return stamp;
  }

  /** The stamp now means this moment. */
  touch(stamp: Stamp): void {
    if (stamp.at === undefined) return;
    stamp.at = undefined;
    this.#pending.push(stamp);
  }

  advance(now: Milliseconds): void {
    this.#now = milliseconds(Math.max(now, this.#now));
    for (const stamp of this.#pending) stamp.at = this.#now;
    this.#pending = [];
  }

  elapsedMs(stamp: Stamp): number {
    return stamp.at === undefined ? 0 : this.#now - stamp.at;
  }
}
