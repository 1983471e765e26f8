// Spreads packets over time: a credit in bytes that grows at the controller's pacing rate and is capped at what an event
// loop's turn may send at once.
import { DATAGRAM_BYTES_PROBED } from './constants.ts';

const BURST_MS = 8;
const BURST_BYTES_MIN = 10 * DATAGRAM_BYTES_PROBED;
/** Sending waits until about this much is due, so that datagrams leave in batches. */
const QUANTUM_MS = 1;
const QUANTUM_BYTES_MAX = 64 * 1024;

export class Pacer {
  #credit = BURST_BYTES_MIN;
  #at = Number.NEGATIVE_INFINITY;

  refill(nowMs: number, bytesPerMs: number): void {
    const elapsed = Number.isFinite(this.#at) ? Math.max(0, nowMs - this.#at) : 0;
    const cap = Math.max(BURST_BYTES_MIN, bytesPerMs * BURST_MS);
    this.#credit = Math.min(cap, this.#credit + elapsed * bytesPerMs);
    this.#at = nowMs;
  }

  get open(): boolean {
    return this.#credit > 0;
  }

  spend(bytes: number): void {
    this.#credit -= bytes;
  }

  /** When a quantum will be due. */
  nextAt(nowMs: number, bytesPerMs: number): number {
    const quantum = Math.min(Math.max(DATAGRAM_BYTES_PROBED, bytesPerMs * QUANTUM_MS), QUANTUM_BYTES_MAX);
    return nowMs + Math.max(0, quantum - this.#credit) / bytesPerMs;
  }
}
