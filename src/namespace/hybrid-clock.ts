// The hybrid logical clock: Unix milliseconds (48 bits) and a counter (16 bits). Every tick is greater than all ticks
// and all remote clocks seen before, so a later operation always wins over what its node knew.
import type { Clock } from '../base/clock.ts';
import { type HybridTime, hybridTime, type Nanoseconds, nanoseconds } from '../base/units.ts';

const COUNTER_BITS = 16n;
const NS_PER_MS = 1_000_000n;

export class HybridClock {
  readonly #clock: Clock;
  #last = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get last(): HybridTime {
    return hybridTime(this.#last);
  }

  now(): Nanoseconds {
    return this.#clock.wall();
  }

  tick(): HybridTime {
    const wall = (this.#clock.wall() / NS_PER_MS) << COUNTER_BITS;
    this.#last = wall > this.#last ? wall : this.#last + 1n;
    return hybridTime(this.#last);
  }

  /** A clock value from elsewhere: coming ticks are greater. */
  observe(time: bigint): void {
    if (time > this.#last) this.#last = time;
  }

  /** How far a remote clock is ahead of the wall, in milliseconds; negative when behind. */
  aheadMs(time: bigint): number {
    return Number((time >> COUNTER_BITS) - this.#clock.wall() / NS_PER_MS);
  }
}

export const hybridNanoseconds = (time: bigint): Nanoseconds => nanoseconds((time >> COUNTER_BITS) * NS_PER_MS);
export const hybridSeconds = (time: bigint): bigint => (time >> COUNTER_BITS) / 1000n;
