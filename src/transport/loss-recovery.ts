// Loss detection and probe timeouts (RFC 9002 §6), with packet and time thresholds that adapt to the reordering seen,
// and delivery-rate samples for the congestion controller. Owns SentPackets and the RTT; tells its `sink` what became
// of each packet. Knows nothing of frames.
import { assert } from '../base/assert.ts';
import type { CongestionController } from './congestion-controller.ts';
import {
  ACKNOWLEDGE_DELAY_BELIEVED_MS,
  DEAD_PROBES,
  PROBE_INTERVAL_MAX_MS,
  REORDERING_PACKETS_MAX,
  REORDERING_PACKETS_MIN,
  REORDERING_TIME_FACTOR_MAX,
  REORDERING_TIME_FACTOR_MIN,
  TIMER_GRANULARITY_MS,
} from './constants.ts';
import { RttEstimator } from './rtt-estimator.ts';
import {
  CARRIED_APP_LIMITED,
  CARRIED_SIZE_PROBE,
  SentPackets,
  SLOT_IN_FLIGHT,
  SLOT_LOST,
  SLOT_SETTLED,
} from './sent-packets.ts';

export interface RecoverySink {
  /** The packet in `slot` arrived; also called once for one that had been declared lost. */
  packetAcknowledged(slot: number): void;
  packetLost(slot: number): void;
}

/** What an ACK frame says, decoded: ranges [low, high] from the newest down, as flat pairs. */
export interface Acknowledgement {
  readonly ranges: Float64Array;
  readonly rangeCount: number;
  readonly delayMs: number;
}

export class LossRecovery {
  readonly packets = new SentPackets();
  rtt = new RttEstimator();
  readonly #controller: CongestionController;
  readonly #sink: RecoverySink;
  bytesInFlight = 0;
  packetsInFlight = 0;
  probeCount = 0;
  packetsLost = 0;
  spuriousLosses = 0;
  #largestAcknowledged = -1;
  #oldestInFlight = 0; // no packet below is in flight
  #lossAt = Number.POSITIVE_INFINITY;
  #lastElicitingAt = 0;
  #reorderingPackets = REORDERING_PACKETS_MIN;
  #reorderingTime = REORDERING_TIME_FACTOR_MIN;
  // Delivery rate: bytes delivered in all, when the last of them was, when the flight of that one was sent.
  #delivered = 0;
  #deliveredAt = 0;
  #firstSentAt = 0;
  #appLimitedUntil = -1;
  /** Of packets below, sent before a long silence ended, a loss says nothing about congestion. */
  #congestionFrom = 0;
  /** Bytes declared lost in all. */
  #lost = 0;

  constructor(controller: CongestionController, sink: RecoverySink) {
    this.#controller = controller;
    this.#sink = sink;
  }

  /**
   * Records an ack-eliciting packet whose slot `packets.push` returned. `putsOffProbe`: the probe timeout counts from it,
   * also where others are in flight.
   */
  onSent(slot: number, bytes: number, { nowMs, putsOffProbe }: { nowMs: number; putsOffProbe: boolean }): void {
    const packets = this.packets;
    if (this.packetsInFlight === 0) {
      this.#firstSentAt = nowMs;
      this.#deliveredAt = nowMs;
    }
    packets.state[slot] = SLOT_IN_FLIGHT;
    packets.bytes[slot] = bytes;
    packets.sentAt[slot] = nowMs;
    packets.delivered[slot] = this.#delivered;
    packets.deliveredAt[slot] = this.#deliveredAt;
    packets.firstSentAt[slot] = this.#firstSentAt;
    if (this.#delivered <= this.#appLimitedUntil) {
      packets.carried[slot] = (packets.carried[slot] ?? 0) | CARRIED_APP_LIMITED;
    }
    this.bytesInFlight += bytes;
    packets.lostBefore[slot] = this.#lost;
    packets.inFlightWhenSent[slot] = this.bytesInFlight;
    if (putsOffProbe || this.packetsInFlight === 0) this.#lastElicitingAt = nowMs;
    this.packetsInFlight += 1;
  }

  /** There is nothing more to send: samples from now until this flight is delivered may be too low. */
  markAppLimited(): void {
    this.#appLimitedUntil = this.#delivered + this.bytesInFlight;
  }

  /** False when the peer acknowledges what was never sent: a protocol violation. */
  onAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): boolean {
    const largest = acknowledgement.ranges[1] ?? -1;
    if (acknowledgement.rangeCount === 0 || largest >= this.packets.next) return false;
    let newest = -1;
    let acknowledgedBytes = 0;
    for (let range = 0; range < acknowledgement.rangeCount; range++) {
      const low = Math.max(acknowledgement.ranges[2 * range] ?? 0, this.packets.first);
      const high = acknowledgement.ranges[2 * range + 1] ?? -1;
      for (let number = high; number >= low; number--) {
        const slot = this.packets.slot(number);
        const state = this.packets.state[slot];
        if (state === SLOT_IN_FLIGHT) {
          newest = Math.max(newest, number);
          acknowledgedBytes += this.#settle(slot);
          this.#sink.packetAcknowledged(slot);
        } else if (state === SLOT_LOST) this.#onSpurious(number, slot);
      }
    }
    this.#largestAcknowledged = Math.max(this.#largestAcknowledged, largest);
    if (newest >= 0) this.#afterProgress(newest, acknowledgedBytes, acknowledgement.delayMs, nowMs);
    this.#detectLosses(nowMs);
    return true;
  }

  #settle(slot: number): number {
    const bytes = this.packets.bytes[slot] ?? 0;
    this.packets.state[slot] = SLOT_SETTLED;
    this.bytesInFlight -= bytes;
    this.packetsInFlight -= 1;
    assert(this.bytesInFlight >= 0 && this.packetsInFlight >= 0, 'bytes in flight are counted once');
    return bytes;
  }

  #onSpurious(number: number, slot: number): void {
    this.spuriousLosses += 1;
    const distance = this.#largestAcknowledged - number + 1;
    this.#reorderingPackets = Math.min(Math.max(this.#reorderingPackets, distance), REORDERING_PACKETS_MAX);
    this.#reorderingTime = Math.min(this.#reorderingTime + 1 / 8, REORDERING_TIME_FACTOR_MAX);
    this.packets.state[slot] = SLOT_SETTLED;
    this.#sink.packetAcknowledged(slot);
  }

  #afterProgress(newest: number, acknowledgedBytes: number, delayMs: number, nowMs: number): void {
    const packets = this.packets;
    const slot = packets.slot(newest);
    const sentAt = packets.sentAt[slot] ?? nowMs;
    if (newest === this.#largestAcknowledged) this.rtt.update(nowMs - sentAt, delayMs);
    // When the packet arrived, as seen from here: what the peer's event loop waited says nothing about the path's rate.
    const deliveredAt = Math.max(this.#deliveredAt, nowMs - Math.min(delayMs, ACKNOWLEDGE_DELAY_BELIEVED_MS));
    if (this.probeCount >= DEAD_PROBES) {
      this.#controller.onPersistentCongestion(nowMs);
      this.#congestionFrom = packets.next;
    }
    this.probeCount = 0;
    this.#delivered += acknowledgedBytes;
    const priorDelivered = packets.delivered[slot] ?? 0;
    const interval = Math.max(
      sentAt - (packets.firstSentAt[slot] ?? sentAt),
      deliveredAt - (packets.deliveredAt[slot] ?? deliveredAt),
      TIMER_GRANULARITY_MS / 16,
    );
    this.#deliveredAt = deliveredAt;
    this.#firstSentAt = sentAt;
    this.#controller.onAcknowledged({
      nowMs: deliveredAt,
      acknowledgedBytes,
      bytesInFlight: this.bytesInFlight,
      delivered: this.#delivered,
      priorDelivered,
      sentAt,
      bytesPerMs: (this.#delivered - priorDelivered) / interval,
      appLimited: ((packets.carried[slot] ?? 0) & CARRIED_APP_LIMITED) !== 0,
      rttMs: this.rtt.latestOfPathMs,
      inFlightWhenSentBytes: packets.inFlightWhenSent[slot] ?? 0,
    });
  }

  /** RFC 9002 §6.1: everything sent well before something that arrived. */
  #detectLosses(nowMs: number): void {
    const packets = this.packets;
    const delay = Math.max(
      this.#reorderingTime * Math.max(this.rtt.smoothedMs, this.rtt.latestMs),
      TIMER_GRANULARITY_MS,
    );
    this.#lossAt = Number.POSITIVE_INFINITY;
    let lostBytes = 0;
    let newestLost = -1;
    let number = Math.max(this.#oldestInFlight, packets.first);
    let leading = true;
    for (; number <= this.#largestAcknowledged; number++) {
      const slot = packets.slot(number);
      if (packets.state[slot] !== SLOT_IN_FLIGHT) {
        if (leading) this.#oldestInFlight = number + 1;
        continue;
      }
      const sentAt = packets.sentAt[slot] ?? 0;
      const isLost = this.#largestAcknowledged - number >= this.#reorderingPackets || sentAt + delay <= nowMs;
      if (isLost) {
        const bytes = this.#declareLost(slot);
        if (number >= this.#congestionFrom) {
          lostBytes += bytes;
          newestLost = slot;
        }
        if (leading) this.#oldestInFlight = number + 1;
      } else {
        leading = false;
        this.#lossAt = Math.min(this.#lossAt, sentAt + delay);
      }
    }
    this.#forgetOldLosses(nowMs - 2 * delay);
    this.#lost += lostBytes;
    if (lostBytes === 0) return;
    this.#controller.onLost({
      nowMs,
      lostBytes,
      lostSinceSentBytes: this.#lost - (packets.lostBefore[newestLost] ?? 0),
      inFlightWhenSentBytes: packets.inFlightWhenSent[newestLost] ?? 0,
      appLimited: ((packets.carried[newestLost] ?? 0) & CARRIED_APP_LIMITED) !== 0,
    });
  }

  #declareLost(slot: number): number {
    const bytes = this.#settle(slot);
    this.packets.state[slot] = SLOT_LOST;
    this.packetsLost += 1;
    this.#sink.packetLost(slot);
    // A lost size probe says nothing about congestion.
    return ((this.packets.carried[slot] ?? 0) & CARRIED_SIZE_PROBE) !== 0 ? 0 : bytes;
  }

  #forgetOldLosses(beforeMs: number): void {
    const packets = this.packets;
    for (let number = packets.first; number < this.#oldestInFlight && number < packets.next; number++) {
      const slot = packets.slot(number);
      if (packets.state[slot] === SLOT_LOST) {
        if ((packets.sentAt[slot] ?? 0) > beforeMs) return;
        packets.state[slot] = SLOT_SETTLED;
      }
      packets.first = number + 1;
    }
  }

  /** When onTimeout is due. */
  get timeoutAt(): number {
    if (this.#lossAt !== Number.POSITIVE_INFINITY) return this.#lossAt;
    if (this.packetsInFlight === 0) return Number.POSITIVE_INFINITY;
    const base = this.rtt.probeTimeoutMs;
    const backedOff = Math.min(base * 2 ** Math.min(this.probeCount, 10), Math.max(PROBE_INTERVAL_MAX_MS, base));
    return this.#lastElicitingAt + backedOff;
  }

  /** True when a probe must be sent: nothing was heard for a probe timeout. */
  onTimeout(nowMs: number): boolean {
    if (nowMs < this.timeoutAt) return false;
    if (this.#lossAt !== Number.POSITIVE_INFINITY) {
      this.#detectLosses(nowMs);
      return false;
    }
    this.probeCount += 1;
    this.#lastElicitingAt = nowMs;
    return true;
  }

  /** What is in flight says nothing about where the peer is now. */
  onPathChanged(): void {
    this.rtt = new RttEstimator();
    this.#congestionFrom = this.packets.next;
  }

  /** Declares all that is in flight lost, without a word to the controller: the path is silent, not congested. */
  giveUpInFlight(): void {
    for (let number = Math.max(this.#oldestInFlight, this.packets.first); number < this.packets.next; number++) {
      if (this.packets.stateOf(number) === SLOT_IN_FLIGHT) this.#declareLost(this.packets.slot(number));
    }
    this.#oldestInFlight = this.packets.next;
    this.#lossAt = Number.POSITIVE_INFINITY;
  }

  /** Slots of the oldest packets in flight, for probes to repeat. */
  oldestInFlight(count: number): number[] {
    const slots: number[] = [];
    const from = Math.max(this.#oldestInFlight, this.packets.first);
    for (let number = from; number < this.packets.next && slots.length < count; number++) {
      if (this.packets.stateOf(number) === SLOT_IN_FLIGHT) slots.push(this.packets.slot(number));
    }
    return slots;
  }
}
