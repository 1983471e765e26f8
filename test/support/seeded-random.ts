// A seeded generator for tests: PFS_SEED replays a run.
import type { Random } from '../../src/base/clock.ts';

export const seedOfRun = (): number => {
  const given = process.env.PFS_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 0xffff_ffff) : Number(given);
  console.log(`PFS_SEED=${seed}`);
  return seed;
};

export interface SeededRandom extends Random {
  /** Uniform in [0, 1). */
  unit(): number;
}

/** mulberry32: small, fast, good enough to choose faults. */
export const seededRandom = (seed: number): SeededRandom => {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(unit() * bound);
  return {
    unit,
    below,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
};
