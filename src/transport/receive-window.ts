// How many bytes of blocks a peer may send beyond what the application took. It begins as the specification has it and
// doubles while half of it lasts less than a round trip, until it holds two bandwidth-delay products, within a bound and
// a budget that all connections share. One that is used slowly halves again. A limit once granted is never taken back: a
// window that has shrunk grants nothing until what was granted has been used, and gives its share back as it is.
import { BLOCK_WINDOW_BYTES_MAX } from '../base/limits.ts';
import { BLOCK_WINDOW_BYTES } from './constants.ts';
import type { WindowBudget } from './window-budget.ts';

/** Half a window that lasted so many round trips, and so long, is more than is needed. */
const SLOW_ROUND_TRIPS = 8;
const SLOW_MS = 5000;

export class ReceiveWindow {
  readonly #budget: WindowBudget;
  #bytes = BLOCK_WINDOW_BYTES;
  #granted = BLOCK_WINDOW_BYTES;
  #taken = 0;
  /** Of the budget. */
  #share = 0;
  // Since when, and from where on, half a window is measured.
  #measuredAt: number | undefined;
  #measuredFrom = 0;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of blocks that the peer may open in all. */
  get granted(): number {
    return this.#granted;
  }

  /** Whether the window moved enough to tell the peer. */
  get isDue(): boolean {
    return this.#taken + this.#bytes - this.#granted >= this.#bytes / 4;
  }

  /** The application took so many bytes. */
  take(bytes: number): void {
    this.#taken += bytes;
  }

  /** The limit to tell now. `roundTripMs` is undefined where none was measured yet. */
  grant(nowMs: number, roundTripMs: number | undefined): number {
    if (roundTripMs !== undefined) this.#tune(nowMs, roundTripMs);
    this.#granted = Math.max(this.#granted, this.#taken + this.#bytes);
    const beyond = Math.max(this.#bytes, this.#granted - this.#taken) - BLOCK_WINDOW_BYTES;
    if (beyond < this.#share) {
      this.#budget.giveBack(this.#share - beyond);
      this.#share = beyond;
    }
    return this.#granted;
  }

  /** Nothing more is granted: the share goes back. */
  close(): void {
    this.#budget.giveBack(this.#share);
    this.#share = 0;
    this.#bytes = BLOCK_WINDOW_BYTES;
  }

  #tune(nowMs: number, roundTripMs: number): void {
    const halves = (this.#taken - this.#measuredFrom) / (this.#bytes / 2);
    if (this.#measuredAt !== undefined && halves < 1) return;
    if (this.#measuredAt !== undefined) {
      const lasted = (nowMs - this.#measuredAt) / halves;
      if (lasted < roundTripMs) this.#grow();
      else if (lasted > SLOW_ROUND_TRIPS * roundTripMs && lasted > SLOW_MS) this.#shrink();
    }
    this.#measuredAt = nowMs;
    this.#measuredFrom = this.#taken;
  }

  #grow(): void {
    const bytes = Math.min(2 * this.#bytes, BLOCK_WINDOW_BYTES_MAX);
    const more = Math.max(0, bytes - BLOCK_WINDOW_BYTES - this.#share);
    if (!this.#budget.take(more)) return;
    this.#share += more;
    this.#bytes = bytes;
  }

  #shrink(): void {
    this.#bytes = Math.max(this.#bytes / 2, BLOCK_WINDOW_BYTES);
  }
}
