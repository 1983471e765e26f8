// When a round-trip time shows a path without a queue (docs/design/0074): then no pause is needed to see it so.
const FACTOR = 1.02;
const MARGIN_MS = 0.25;

/** So near the least that is known, there is no queue. */
export const isMinimumRtt = (rttMs: number, minimumMs: number): boolean => rttMs <= minimumMs * FACTOR + MARGIN_MS;
