// Round-trip time as in RFC 9002 §5: smoothed, variation, minimum, and the probe timeout that follows from them.
import {
  ACKNOWLEDGE_DELAY_BELIEVED_MS,
  ACKNOWLEDGE_DELAY_MAX_MS,
  INITIAL_RTT_MS,
  TIMER_GRANULARITY_MS,
} from './constants.ts';

export class RttEstimator {
  smoothedMs = INITIAL_RTT_MS;
  variationMs = INITIAL_RTT_MS / 2;
  minimumMs = Number.POSITIVE_INFINITY;
  latestMs = INITIAL_RTT_MS;
  /** Without what the peer waited. */
  latestOfPathMs = INITIAL_RTT_MS;
  #sampled = false;

  get sampled(): boolean {
    return this.#sampled;
  }

  /** `delayMs` is what the peer says it waited before it acknowledged. */
  update(sampleMs: number, delayMs: number): void {
    this.latestMs = Math.max(sampleMs, 0);
    this.minimumMs = Math.min(this.minimumMs, this.latestMs);
    const delay = Math.min(delayMs, ACKNOWLEDGE_DELAY_BELIEVED_MS);
    const adjusted = this.latestMs >= this.minimumMs + delay ? this.latestMs - delay : this.latestMs;
    this.latestOfPathMs = adjusted;
    if (!this.#sampled) {
      this.#sampled = true;
      this.smoothedMs = this.latestMs;
      this.variationMs = this.latestMs / 2;
      return;
    }
    this.variationMs = 0.75 * this.variationMs + 0.25 * Math.abs(this.smoothedMs - adjusted);
    this.smoothedMs = 0.875 * this.smoothedMs + 0.125 * adjusted;
  }

  get probeTimeoutMs(): number {
    return this.smoothedMs + Math.max(4 * this.variationMs, TIMER_GRANULARITY_MS) + ACKNOWLEDGE_DELAY_MAX_MS;
  }
}
