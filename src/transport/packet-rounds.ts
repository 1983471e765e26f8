// Counts round trips by packets: a round ends when something is acknowledged that was sent after it began
// (draft-ietf-ccwg-bbr, "Round trips"). No round is shorter than what late event loops distort.
import type { AcknowledgedSample } from './congestion-controller.ts';

const ROUND_MS_MIN = 5;

export class PacketRounds {
  #nextDelivered = 0;
  #beganAt = 0;

  /** Whether a round ends with this acknowledgement; the next one begins then. */
  ends({ nowMs, delivered, priorDelivered }: AcknowledgedSample): boolean {
    if (priorDelivered < this.#nextDelivered || nowMs - this.#beganAt < ROUND_MS_MIN) return false;
    this.restart(delivered, nowMs);
    return true;
  }

  /** Begins a round now, whatever is left of the last one. */
  restart(delivered: number, nowMs: number): void {
    this.#nextDelivered = delivered;
    this.#beganAt = nowMs;
  }
}
