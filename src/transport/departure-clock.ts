// When the next packet at some rate departs, and how far ahead of that time packets are made (docs/design/0073).
import { ETHERNET_DATAGRAM_BYTES } from './constants.ts';

/** How far ahead packets are made, and when the next batch of them is begun. */
const LEAD_MS = 8;
const LEAD_MS_MIN = 4;
/** What was missed may be made up for by the greater of these at once, for lateness beyond the lead and after a pause. */
const BURST_MS = 1;
const BURST_BYTES_MIN = 10 * ETHERNET_DATAGRAM_BYTES;

export class DepartureClock {
  #nextAt = Number.NEGATIVE_INFINITY;
  #horizon = Number.NEGATIVE_INFINITY;
  #bytesPerMs = 1;

  get nextAt(): number {
    return this.#nextAt;
  }

  /** Begins a turn at a rate. */
  begin(nowMs: number, bytesPerMs: number): void {
    // What was spent at a lower rate takes less at this one.
    const ahead = this.#nextAt - nowMs;
    if (ahead > 0 && bytesPerMs > this.#bytesPerMs) this.#nextAt = nowMs + (ahead * this.#bytesPerMs) / bytesPerMs;
    this.#bytesPerMs = bytesPerMs;
    if (this.#nextAt - nowMs <= LEAD_MS_MIN) this.#horizon = nowMs + LEAD_MS;
    // What a turn began, its next batch goes on with.
    else if (this.#nextAt > this.#horizon) this.#horizon = Number.NEGATIVE_INFINITY;
  }

  /** Whether a packet may be made in this turn. */
  get open(): boolean {
    return this.#nextAt <= this.#horizon;
  }

  /** When `begin` will open it again. */
  get opensAt(): number {
    return this.#nextAt - LEAD_MS_MIN;
  }

  /** A packet of so many bytes takes its time at the turn's rate; the next waits for it. */
  spend(bytes: number, nowMs: number): void {
    const burstMs = Math.max(BURST_MS, BURST_BYTES_MIN / this.#bytesPerMs);
    this.#nextAt = Math.max(this.#nextAt, nowMs - burstMs) + bytes / this.#bytesPerMs;
  }
}
