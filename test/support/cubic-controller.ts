// A competitor for simulations: the window of TCP CUBIC (RFC 9438) with slow start and, as HyStart++ is not there, a slow
// start that ends with its first loss. No pacing beyond two windows a round trip.
import type {
  AcknowledgedSample,
  CongestionController,
  LostSample,
} from '../../src/transport/congestion-controller.ts';
import { ETHERNET_DATAGRAM_BYTES, INITIAL_RTT_MS } from '../../src/transport/constants.ts';

const SCALING = 0.4; // C, in packets a second cubed
const REDUCTION = 0.7;
const WINDOW_INITIAL = 10;
const WINDOW_MIN = 2;
const RENO_GROWTH = (3 * (1 - REDUCTION)) / (1 + REDUCTION);

/** Windows are in packets. */
export class CubicController implements CongestionController {
  readonly name = 'cubic';
  #window = WINDOW_INITIAL;
  #slowStartUntil = Number.POSITIVE_INFINITY;
  #renoWindow = 0;
  #windowMost = 0;
  /** When the present growth began, and the time it takes to the window before. */
  #epochAt: number | undefined;
  #rampSeconds = 0;
  #rttMs = INITIAL_RTT_MS;
  #lost = 0;
  #lostAtReduction = 0;

  get windowBytes(): number {
    return this.#window * ETHERNET_DATAGRAM_BYTES;
  }

  get rateBytesPerMs(): number {
    return this.windowBytes / Math.max(this.#rttMs, 1);
  }

  get pacingBytesPerMs(): number {
    return (2 * this.windowBytes) / Math.max(this.#rttMs, 1);
  }

  onAcknowledged(sample: AcknowledgedSample): void {
    this.#rttMs = sample.rttMs;
    // What does not use its window does not raise it.
    if (sample.bytesInFlight + sample.acknowledgedBytes < 0.8 * this.windowBytes) return;
    const packets = sample.acknowledgedBytes / ETHERNET_DATAGRAM_BYTES;
    if (this.#window < this.#slowStartUntil) this.#window += packets;
    else this.#avoid(packets, sample.nowMs);
  }

  #avoid(packets: number, nowMs: number): void {
    if (this.#epochAt === undefined) {
      this.#epochAt = nowMs;
      this.#renoWindow = this.#window;
      this.#rampSeconds = Math.cbrt(Math.max(0, this.#windowMost - this.#window) / SCALING);
    }
    const seconds = (nowMs - this.#epochAt + this.#rttMs) / 1000;
    const cubic = SCALING * (seconds - this.#rampSeconds) ** 3 + this.#windowMost;
    const target = Math.min(Math.max(cubic, this.#window), 1.5 * this.#window);
    this.#renoWindow += (RENO_GROWTH * packets) / this.#window;
    this.#window = Math.max(this.#window + ((target - this.#window) * packets) / this.#window, this.#renoWindow);
  }

  onLost({ lostBytes, lostSinceSentBytes }: LostSample): void {
    this.#lost += lostBytes;
    // Once for all that was in flight then.
    if (this.#lost - lostSinceSentBytes < this.#lostAtReduction) return;
    this.#lostAtReduction = this.#lost;
    // Fast convergence: who loses below the last peak leaves room.
    this.#windowMost = this.#window < this.#windowMost ? (this.#window * (1 + REDUCTION)) / 2 : this.#window;
    this.#window = Math.max(WINDOW_MIN, this.#window * REDUCTION);
    this.#slowStartUntil = this.#window;
    this.#epochAt = undefined;
  }

  onPersistentCongestion(): void {
    this.#slowStartUntil = this.#window / 2;
    this.#window = WINDOW_MIN;
    this.#epochAt = undefined;
  }
}
