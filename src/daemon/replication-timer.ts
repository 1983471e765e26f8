// Gives the replicator its time: one timer for its next timeout, set anew whenever that may have moved.
import type { Clock } from '../base/clock.ts';
import type { Milliseconds } from '../base/units.ts';

export interface Timed {
  handleTimeout(now: Milliseconds): void;
  nextTimeout(): Milliseconds | undefined;
}

const TIMER_MS_MAX = 60_000;

export class ReplicationTimer {
  readonly #clock: Clock;
  #timed: Timed | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(timed: Timed): void {
    this.#timed = timed;
    this.changed();
  }

  /** The next timeout may have moved: looked at once the running events are done. */
  changed(): void {
    if (this.#timed === undefined || this.#immediate !== undefined) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#turn();
    });
  }

  stop(): void {
    this.#timed = undefined;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
  }

  #turn(): void {
    clearTimeout(this.#timer);
    const now = this.#clock.monotonic();
    const due = this.#timed?.nextTimeout();
    if (due !== undefined && due <= now) this.#timed?.handleTimeout(now);
    const next = this.#timed?.nextTimeout();
    if (next === undefined) return;
    const waitMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(next - this.#clock.monotonic())));
    if (waitMs === 0) this.changed();
    else this.#timer = setTimeout(() => this.#turn(), waitMs);
  }
}
