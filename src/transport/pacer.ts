// Spreads packets over time: each gets the time at which it departs, at the controller's rate after the one before. They
// are made up to LEAD_MS ahead of that time, in batches, and whatever sends the datagrams holds them until then
// (native/core/udp/paced_sender.h): an event loop that comes late neither starves the path nor bursts into its queue.

/** How far ahead packets are made, and when the next batch of them is begun. */
const LEAD_MS = 8;
const LEAD_MS_MIN = 4;
/** What was missed may be made up for by the greater of these at once, for lateness beyond the lead and after a pause. */
const BURST_MS = 1;
const BURST_BYTES_MIN = 10 * 1452; // ten datagrams of an Ethernet path

export class Pacer {
  /** When the next packet that is paced may depart, and when the last packet of any kind does. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #lastAt = Number.NEGATIVE_INFINITY;
  #horizon = Number.NEGATIVE_INFINITY;
  #bytesPerMs = 1;

  /** Begins a turn at a rate: packets may be made when the lead has shrunk enough to be worth a batch. */
  begin(nowMs: number, bytesPerMs: number): void {
    // What was spent at a lower rate takes less at this one.
    const ahead = this.#nextAt - nowMs;
    if (ahead > 0 && bytesPerMs > this.#bytesPerMs) this.#nextAt = nowMs + (ahead * this.#bytesPerMs) / bytesPerMs;
    this.#bytesPerMs = bytesPerMs;
    if (this.#nextAt - nowMs <= LEAD_MS_MIN) this.#horizon = nowMs + LEAD_MS;
    // What a turn began, its next batch goes on with.
    else if (this.#nextAt > this.#horizon) this.#horizon = Number.NEGATIVE_INFINITY;
  }

  /** Whether a packet that is paced may be made in this turn. */
  get open(): boolean {
    return this.#nextAt <= this.#horizon;
  }

  /** When `begin` will open it again. */
  get opensAt(): number {
    return this.#nextAt - LEAD_MS_MIN;
  }

  /** The departure of a packet that is made now. Departures never go back, so packets leave in the order of their numbers. */
  departureAt(nowMs: number, isPaced: boolean): number {
    this.#lastAt = Math.max(this.#lastAt, nowMs, isPaced ? this.#nextAt : nowMs);
    return this.#lastAt;
  }

  /** A packet of so many bytes takes its time at the turn's rate; the next waits for it. */
  spend(bytes: number, nowMs: number): void {
    const burstMs = Math.max(BURST_MS, BURST_BYTES_MIN / this.#bytesPerMs);
    this.#nextAt = Math.max(this.#nextAt, nowMs - burstMs) + bytes / this.#bytesPerMs;
  }
}
