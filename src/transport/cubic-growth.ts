// How a window grows after a loss (RFC 9438): quickly back to near where the loss was, slowly past it, then faster. Also
// no slower than Reno's would (section 4.3). Whoever grows so shares a queue evenly with flows of CUBIC.
import { ETHERNET_DATAGRAM_BYTES } from './constants.ts';

const SCALING = 0.4; // C, in packets a second cubed
export const CUBIC_REDUCTION = 0.7;
const RENO_GROWTH = (3 * (1 - CUBIC_REDUCTION)) / (1 + CUBIC_REDUCTION);

/** Windows inside are in packets. */
export class CubicGrowth {
  active = false;
  #windowMost = 0;
  #reduced = 0;
  #reducedAt = 0;
  #rampSeconds = 0;

  /** A loss with so many bytes in flight; returns what may be in flight after it. */
  reduce(inFlightBytes: number, nowMs: number): number {
    const window = inFlightBytes / ETHERNET_DATAGRAM_BYTES;
    // Who loses below the last peak leaves room for others (section 4.7).
    this.#windowMost = this.active && window < this.#windowMost ? (window * (1 + CUBIC_REDUCTION)) / 2 : window;
    this.#reduced = window * CUBIC_REDUCTION;
    this.#reducedAt = nowMs;
    this.#rampSeconds = Math.cbrt(Math.max(0, this.#windowMost - this.#reduced) / SCALING);
    this.active = true;
    return this.#reduced * ETHERNET_DATAGRAM_BYTES;
  }

  /** Bytes that may be in flight now. */
  at(nowMs: number, rttMs: number): number {
    const seconds = (nowMs - this.#reducedAt) / 1000;
    const cubic = SCALING * (seconds - this.#rampSeconds) ** 3 + this.#windowMost;
    const reno = this.#reduced + (RENO_GROWTH * seconds * 1000) / Math.max(rttMs, 1);
    return Math.max(cubic, reno) * ETHERNET_DATAGRAM_BYTES;
  }

  scale(factor: number): void {
    this.#windowMost *= factor;
    this.#reduced *= factor;
  }

  stop(): void {
    this.active = false;
  }
}
