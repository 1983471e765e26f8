// What arrived from the peer, and when to acknowledge it: after every 2 packets at first, every 16 later, 20 ms at the
// latest, at once when a gap appears or is filled, or when the sender asks (docs/format/transport.md, Acknowledging).
import {
  ACKNOWLEDGE_DELAY_MAX_MS,
  ACKNOWLEDGE_EVERY_FIRST,
  ACKNOWLEDGE_EVERY_LATER,
  ACKNOWLEDGE_OFTEN_PACKETS,
  RECEIVED_RANGES_MAX,
} from './constants.ts';
import { RangeSet } from './range-set.ts';
import { ReplayWindow } from './replay-window.ts';

export class ReceivedPackets {
  readonly window = new ReplayWindow();
  readonly ranges = new RangeSet();
  largest = -1;
  largestAt = 0;
  #eliciting = 0; // since the last ACK sent
  #elicitingTotal = 0;
  #acknowledgeAt = Number.POSITIVE_INFINITY;

  /** A fresh, authentic packet. */
  onPacket(options: { number: number; eliciting: boolean; now: boolean; nowMs: number }): void {
    const { number, nowMs } = options;
    const outOfOrder = number !== this.largest + 1;
    this.ranges.add(number, number + 1);
    if (this.ranges.count > RECEIVED_RANGES_MAX) this.ranges.dropFirst();
    if (number > this.largest) {
      this.largest = number;
      this.largestAt = nowMs;
    }
    if (!options.eliciting) return;
    this.#eliciting += 1;
    this.#elicitingTotal += 1;
    const every = this.#elicitingTotal <= ACKNOWLEDGE_OFTEN_PACKETS ? ACKNOWLEDGE_EVERY_FIRST : ACKNOWLEDGE_EVERY_LATER;
    if (outOfOrder || options.now || this.#eliciting >= every) this.#acknowledgeAt = nowMs;
    else this.#acknowledgeAt = Math.min(this.#acknowledgeAt, nowMs + ACKNOWLEDGE_DELAY_MAX_MS);
  }

  /** When an ACK is due; never, when nothing calls for one. */
  get acknowledgeAt(): number {
    return this.#acknowledgeAt;
  }

  /** Whether an ACK would tell the peer something: it then rides on any packet that leaves. */
  get pending(): boolean {
    return this.#eliciting > 0;
  }

  onAcknowledgementSent(): void {
    this.#eliciting = 0;
    this.#acknowledgeAt = Number.POSITIVE_INFINITY;
  }

  /** The peer holds our ACK of everything up to `number`: those need not be repeated. */
  onAcknowledgementConfirmed(number: number): void {
    if (number <= 0) return;
    this.ranges.remove(0, number);
  }
}
