// What losses say that a path takes (draft-ietf-ccwg-bbr, "Upper bounds", "Lower bounds"). The long-term bound is the most
// that was in flight without much loss when more was looked for; the short-term ones follow the losses that come in
// between, which others cause, and are forgotten before the next look.
import { DATAGRAM_BYTES_MIN, ETHERNET_DATAGRAM_BYTES } from './constants.ts';
import { CubicGrowth } from './cubic-growth.ts';

/** Losses up to this share are taken as the path's own, */
const LOSS_THRESHOLD = 0.02;
/** and so many standard deviations more, as few packets lose more than their share by chance. */
const LOSS_DEVIATIONS = 3;
/** What is left after a loss. */
export const LOSS_FACTOR = 0.7;
/** Part of the long-term bound that is left to others between two looks for more. */
const HEADROOM = 0.15;
const GROWTH_ROUNDS_MAX = 30;

/** Whether more was lost of so many bytes than a path that loses LOSS_THRESHOLD does. */
export function exceedsLossThreshold(lostBytes: number, ofBytes: number): boolean {
  const expected = (LOSS_THRESHOLD * ofBytes) / ETHERNET_DATAGRAM_BYTES;
  return lostBytes / ETHERNET_DATAGRAM_BYTES > expected + LOSS_DEVIATIONS * Math.sqrt(expected);
}

export class FairBounds {
  shortTermInFlight = Number.POSITIVE_INFINITY;
  shortTermRate = Number.POSITIVE_INFINITY;
  #longTerm = Number.POSITIVE_INFINITY;
  readonly #cubic = new CubicGrowth();
  #growthRounds = 0;
  #growthPerByte = 0;

  get longTermInFlight(): number {
    return this.#longTerm;
  }

  /** The long-term bound is that of a loss in a queue, and grows as CUBIC does. */
  get isCubic(): boolean {
    return this.#cubic.active;
  }

  get inFlightWithHeadroom(): number {
    return this.#longTerm * (1 - HEADROOM);
  }

  setLongTerm(inFlightBytes: number): void {
    this.#longTerm = inFlightBytes;
    this.#cubic.stop();
  }

  /** An epoch saw more than the path's own losses while nothing was looked for. */
  lower(model: { rate: number; windowBytes: number; latestRate: number; latestInFlight: number }): void {
    const rate = Math.min(this.shortTermRate, model.rate);
    const inFlight = Math.min(this.shortTermInFlight, model.windowBytes);
    this.shortTermRate = Math.max(model.latestRate, LOSS_FACTOR * rate);
    this.shortTermInFlight = Math.max(model.latestInFlight, LOSS_FACTOR * inFlight);
  }

  forgetShortTerm(): void {
    this.shortTermInFlight = Number.POSITIVE_INFINITY;
    this.shortTermRate = Number.POSITIVE_INFINITY;
  }

  /** Begins to raise the long-term bound: by one datagram in the first round, twice as much in each that follows. */
  beginGrowth(windowBytes: number): void {
    this.#growthRounds = 0;
    this.growFaster(windowBytes);
  }

  growFaster(windowBytes: number): void {
    this.#growthPerByte = Math.min(1, (DATAGRAM_BYTES_MIN * 2 ** this.#growthRounds) / windowBytes);
    this.#growthRounds = Math.min(this.#growthRounds + 1, GROWTH_ROUNDS_MAX);
  }

  grow(acknowledgedBytes: number): void {
    this.setLongTerm(this.#longTerm + acknowledgedBytes * this.#growthPerByte);
  }

  /** A loss in a queue: leaves as much of it as a CUBIC flow would, and grows again as that does. */
  reduce(inFlightBytes: number, leastBytes: number, nowMs: number): void {
    this.#longTerm = Math.max(leastBytes, this.#cubic.reduce(inFlightBytes, nowMs));
  }

  /** A look for more found that much more. */
  scale(factor: number): void {
    this.#longTerm *= factor;
    this.#cubic.scale(factor);
  }

  advance(nowMs: number, rttMs: number): void {
    if (this.#cubic.active) this.#longTerm = Math.max(this.#longTerm, this.#cubic.at(nowMs, rttMs));
  }

  reset(): void {
    this.forgetShortTerm();
    this.setLongTerm(Number.POSITIVE_INFINITY);
  }
}
