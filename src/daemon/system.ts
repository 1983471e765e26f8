// The real clock and random generator; everything below the daemon gets them as arguments.
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Random } from '../base/clock.ts';
import { milliseconds, nanoseconds } from '../base/units.ts';

const MONOTONIC_ORIGIN = process.hrtime.bigint();
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
/** hrtime and the wall clock are read together once, then hrtime gives the nanoseconds; drift is corrected. */
const RESYNCHRONISE_NS = 1_000_000_000n;

let wallBase = 0n;
let wallReadAt = 0n;
readWall();

/** Waits for the next millisecond, at most one: Date.now() truncates, and times would lag behind those of writes. */
function readWall(): void {
  const truncated = Date.now();
  let next = truncated;
  while (next === truncated) next = Date.now();
  wallBase = BigInt(next) * NANOSECONDS_PER_MILLISECOND;
  wallReadAt = process.hrtime.bigint();
}

export const systemClock: Clock = {
  monotonic: () => milliseconds(Number(process.hrtime.bigint() - MONOTONIC_ORIGIN) / 1e6),
  wall: () => {
    const now = process.hrtime.bigint();
    const estimate = wallBase + (now - wallReadAt);
    if (now - wallReadAt < RESYNCHRONISE_NS) return nanoseconds(estimate);
    const wall = BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND;
    // Date.now() truncates to milliseconds: keep the finer estimate unless the clock was set.
    const drift = wall - estimate;
    const wasSet = drift > NANOSECONDS_PER_MILLISECOND || drift < -2n * NANOSECONDS_PER_MILLISECOND;
    if (wasSet) {
      readWall();
    } else {
      wallBase = estimate;
      wallReadAt = now;
    }
    return nanoseconds(wallBase);
  },
};

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  below: (bound) => randomInt(bound),
};
