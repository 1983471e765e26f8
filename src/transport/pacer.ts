// Spreads packets over time: each gets the time at which it departs, at the controller's rate after the one before, and at
// the node's limit after the one before of any connection. They are made up to LEAD_MS ahead of that time, in batches, and
// whatever sends the datagrams holds them until then (native/core/udp/paced_sender.h): an event loop that comes late
// neither starves the path nor bursts into its queue.
import { DepartureClock } from './departure-clock.ts';
import type { RateLimit } from './rate-limit.ts';

export class Pacer {
  readonly #clock = new DepartureClock();
  readonly #limit: RateLimit | undefined;
  /** When the last packet of any kind departs. */
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(limit?: RateLimit) {
    this.#limit = limit;
  }

  /** Begins a turn at a rate: packets may be made when the lead has shrunk enough to be worth a batch. */
  begin(nowMs: number, bytesPerMs: number): void {
    this.#clock.begin(nowMs, bytesPerMs);
    this.#limit?.begin(nowMs);
  }

  /** Whether a packet that is paced may be made in this turn. */
  get open(): boolean {
    return this.#clock.open && this.#limit?.open !== false;
  }

  /** It is the node's limit that holds packets back. */
  get limited(): boolean {
    return this.#clock.open && this.#limit?.exhausted === true;
  }

  /** When `begin` will open it again. */
  get opensAt(): number {
    return Math.max(this.#clock.opensAt, this.#limit?.opensAt ?? Number.NEGATIVE_INFINITY);
  }

  /** The departure of a packet that is made now. Departures never go back, so packets leave in the order of their numbers. */
  departureAt(nowMs: number, isPaced: boolean): number {
    const pacedAt = Math.max(this.#clock.nextAt, this.#limit?.nextAt ?? Number.NEGATIVE_INFINITY);
    this.#lastAt = Math.max(this.#lastAt, nowMs, isPaced ? pacedAt : nowMs);
    return this.#lastAt;
  }

  /** A packet of so many bytes left. One that elicits an acknowledgement takes its time at the turn's rate. */
  spend(bytes: number, nowMs: number, isEliciting: boolean): void {
    if (isEliciting) this.#clock.spend(bytes, nowMs);
    this.#limit?.spend(bytes, nowMs);
  }
}
