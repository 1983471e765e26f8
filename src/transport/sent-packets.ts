// What was sent and not yet settled: a ring of typed arrays indexed by packet number, so that a packet costs no
// allocation. A packet carries at most one data frame; its slot says which bytes of which block or channel.
import { assert } from '../base/assert.ts';

/** State of a slot. */
export const SLOT_SETTLED = 0; // acknowledged, forgotten, or never to be acknowledged
export const SLOT_IN_FLIGHT = 1;
export const SLOT_LOST = 2; // declared lost; kept a while to notice a spurious declaration

/** What a packet's data frame carried. */
export const DATA_NONE = 0;
export const DATA_BLOCK = 1;
export const DATA_CONTROL = 2;
export const DATA_OPERATIONS = 3;

/** Other things a packet carried (bits). */
export const CARRIED_LIMITS = 1; // MAX_DATA frames: sent anew when lost
export const CARRIED_SIZE_PROBE = 2;
export const CARRIED_APP_LIMITED = 4; // sent while there was nothing more to send

const INITIAL_SLOTS = 64;

export class SentPackets {
  #slots = INITIAL_SLOTS;
  /** First number that may be unsettled, and the next to be sent. */
  first = 0;
  next = 0;
  state = new Uint8Array(INITIAL_SLOTS);
  bytes = new Uint16Array(INITIAL_SLOTS);
  carried = new Uint8Array(INITIAL_SLOTS);
  kind = new Uint8Array(INITIAL_SLOTS);
  blockId = new Uint32Array(INITIAL_SLOTS);
  offset = new Float64Array(INITIAL_SLOTS);
  length = new Uint16Array(INITIAL_SLOTS);
  /** Largest number that its ACK frame acknowledged, or -1. */
  acknowledged = new Float64Array(INITIAL_SLOTS);
  sentAt = new Float64Array(INITIAL_SLOTS);
  /** Delivery-rate state when it was sent (draft-cheng-iccrg-delivery-rate-estimation). */
  delivered = new Float64Array(INITIAL_SLOTS);
  deliveredAt = new Float64Array(INITIAL_SLOTS);
  firstSentAt = new Float64Array(INITIAL_SLOTS);
  /** Bytes lost in all until it was sent, and bytes in flight then, its own among them. */
  lostBefore = new Float64Array(INITIAL_SLOTS);
  inFlightWhenSent = new Float64Array(INITIAL_SLOTS);

  slot(number: number): number {
    return number & (this.#slots - 1);
  }

  /** Opens the next number's slot, settled and empty, and returns it. */
  push(): number {
    this.#trim();
    if (this.next - this.first >= this.#slots) this.#grow();
    const slot = this.slot(this.next);
    this.next += 1;
    this.state[slot] = SLOT_SETTLED;
    this.kind[slot] = DATA_NONE;
    this.carried[slot] = 0;
    this.acknowledged[slot] = -1;
    return slot;
  }

  stateOf(number: number): number {
    return this.state[this.slot(number)] ?? SLOT_SETTLED;
  }

  /** Moves `first` over settled slots. */
  #trim(): void {
    while (this.first < this.next && this.stateOf(this.first) === SLOT_SETTLED) this.first += 1;
  }

  #grow(): void {
    const from = this.#slots;
    const to = from * 2;
    assert(to <= 2 ** 24, 'packets in flight are bounded by the receive windows');
    const move = <Array extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
      old: Array,
      grown: Array,
    ): Array => {
      for (let number = this.first; number < this.next; number++) {
        grown[number & (to - 1)] = old[number & (from - 1)] ?? 0;
      }
      return grown;
    };
    this.state = move(this.state, new Uint8Array(to));
    this.bytes = move(this.bytes, new Uint16Array(to));
    this.carried = move(this.carried, new Uint8Array(to));
    this.kind = move(this.kind, new Uint8Array(to));
    this.blockId = move(this.blockId, new Uint32Array(to));
    this.offset = move(this.offset, new Float64Array(to));
    this.length = move(this.length, new Uint16Array(to));
    this.acknowledged = move(this.acknowledged, new Float64Array(to));
    this.sentAt = move(this.sentAt, new Float64Array(to));
    this.delivered = move(this.delivered, new Float64Array(to));
    this.deliveredAt = move(this.deliveredAt, new Float64Array(to));
    this.firstSentAt = move(this.firstSentAt, new Float64Array(to));
    this.lostBefore = move(this.lostBefore, new Float64Array(to));
    this.inFlightWhenSent = move(this.inFlightWhenSent, new Float64Array(to));
    this.#slots = to;
  }
}
