// The window of a congestion controller that models its path (draft-ietf-ccwg-bbr, "Updating Congestion Window"): it
// grows by what is acknowledged, in startup as long as it is below its target, and afterwards no further than that.
import { DATAGRAM_BYTES_MIN, INITIAL_RTT_MS } from './constants.ts';

/** Of pacing in startup: 4 ln 2, with which the rate doubles in every round trip. */
export const STARTUP_GAIN = 2.77;
export const WINDOW_BYTES_MIN = 4 * DATAGRAM_BYTES_MIN;
const WINDOW_BYTES_INITIAL = 32 * DATAGRAM_BYTES_MIN;

export class CongestionWindow {
  #bytes = WINDOW_BYTES_INITIAL;
  #acknowledgedBytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** As on a path of which nothing is known. */
  restart(): void {
    this.#bytes = WINDOW_BYTES_INITIAL;
    this.#acknowledgedBytes = 0;
  }

  grow(acknowledgedBytes: number, targetBytes: number, inStartup: boolean): void {
    this.#acknowledgedBytes += acknowledgedBytes;
    const grown = this.#bytes + acknowledgedBytes;
    if (!inStartup) this.#bytes = Math.min(grown, Math.max(targetBytes, WINDOW_BYTES_MIN));
    else if (this.#bytes < targetBytes || this.#isFirst) this.#bytes = grown;
  }

  /** Bytes a millisecond. The first window goes at least at its own pace, as the first samples are of a packet or two. */
  pace(bytesPerMs: number, minimumRttMs: number): number {
    if (!this.#isFirst) return Math.max(bytesPerMs, 1);
    const rtt = Number.isFinite(minimumRttMs) ? Math.max(minimumRttMs, 1) : INITIAL_RTT_MS;
    return Math.max(bytesPerMs, (STARTUP_GAIN * WINDOW_BYTES_INITIAL) / rtt);
  }

  /** Until as much has been acknowledged. */
  get #isFirst(): boolean {
    return this.#acknowledgedBytes < WINDOW_BYTES_INITIAL;
  }
}
