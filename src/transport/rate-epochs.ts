// Delivery rates over stretches of time long enough that lateness hardly distorts them (docs/design/0074): a maximum over
// single acknowledgements picks the moments when one was early after another that was late. A rate is never above the
// one at which those packets were sent: what came together had only been held up on the way.
import type { AcknowledgedSample } from './congestion-controller.ts';

const EPOCH_MS_MIN = 25;
const EPOCH_MS_MAX = 1000;

export interface RateEpoch {
  readonly beganAt: number;
  readonly lastedMs: number;
  readonly bytesPerMs: number;
  /** What there was to send bounded the rate at some time of it. */
  readonly appLimited: boolean;
}

export class RateEpochs {
  #beganAt = Number.NaN; // until a first one has begun
  #sentAt = 0;
  #delivered = 0;
  #appLimited = false;

  /** The epoch that ends with this acknowledgement, if one does: after `lengthMs`, within bounds. */
  update(sample: AcknowledgedSample, lengthMs: number): RateEpoch | undefined {
    if (Number.isNaN(this.#beganAt)) this.#begin(sample);
    if (sample.appLimited) this.#appLimited = true;
    const lastedMs = sample.nowMs - this.#beganAt;
    if (lastedMs < Math.max(EPOCH_MS_MIN, Math.min(lengthMs, EPOCH_MS_MAX))) return undefined;
    const bytesPerMs = (sample.delivered - this.#delivered) / Math.max(lastedMs, sample.sentAt - this.#sentAt);
    const ended = { beganAt: this.#beganAt, lastedMs, bytesPerMs, appLimited: this.#appLimited };
    this.#begin(sample);
    return ended;
  }

  /** Forgets the one that has begun. */
  reset(): void {
    this.#beganAt = Number.NaN;
  }

  #begin(sample: AcknowledgedSample): void {
    this.#beganAt = sample.nowMs;
    this.#sentAt = sample.sentAt;
    this.#delivered = sample.delivered;
    this.#appLimited = sample.appLimited;
  }
}
