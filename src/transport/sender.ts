// The sending half of a path: decides what the next packet carries (acknowledgement, limits, control, operations, blocks,
// in that order), builds it in the transmit batch, and learns from loss recovery what became of it.
import { assert } from '../base/assert.ts';
import { BandwidthController } from './bandwidth-controller.ts';
import type { CongestionController } from './congestion-controller.ts';
import {
  DATAGRAM_BYTES_MIN,
  FLAG_ACKNOWLEDGE_NOW,
  HEADER_BYTES,
  PACKET_DATA,
  PROBE_PACKETS,
  TAG_BYTES,
} from './constants.ts';
import { FRAME_PADDING, FRAME_PING, writeAcknowledgement, writeClose } from './frames.ts';
import type { IncomingData } from './incoming-data.ts';
import { type Acknowledgement, LossRecovery, type RecoverySink } from './loss-recovery.ts';
import type { OutgoingData, Share } from './outgoing-data.ts';
import { Pacer } from './pacer.ts';
import type { PacketKeys } from './packet-keys.ts';
import { PacketSize } from './packet-size.ts';
import type { RateLimit } from './rate-limit.ts';
import type { ReceivedPackets } from './received-packets.ts';
import { CARRIED_LIMITS, CARRIED_SIZE_PROBE, DATA_NONE } from './sent-packets.ts';
import type { TransmitBatch } from './transmit-batch.ts';

/** Why the next packet leaves. */
type Occasion = 'probe' | 'size-probe' | 'data' | 'small' | 'none';

export interface SenderOptions {
  readonly keys: PacketKeys;
  readonly received: ReceivedPackets;
  readonly incoming: IncomingData;
  readonly outgoing: OutgoingData;
  readonly createController?: () => CongestionController;
  readonly rateLimit?: RateLimit;
}

export class Sender implements RecoverySink {
  controller: CongestionController;
  readonly recovery: LossRecovery;
  readonly size = new PacketSize();
  /** Those that packets are sealed with. */
  keys: PacketKeys;
  /** What of the connection's data this path may take. */
  share: Share = 'everything';
  readonly #options: SenderOptions;
  readonly #pacer: Pacer;
  /** The grant that this path has told the peer of; -1: what told of it was lost. */
  #limitsTold = 0;
  #probesWanted = 0;
  #pingWanted = false;
  #firstSizeProbeSent = false;
  lastElicitingAt: number;
  lastDataAt = Number.NEGATIVE_INFINITY;
  bytesSent = 0;
  packetsSent = 0;

  constructor(options: SenderOptions, nowMs: number) {
    this.#options = options;
    this.keys = options.keys;
    this.controller = options.createController?.() ?? new BandwidthController();
    this.recovery = new LossRecovery(this.controller, this);
    this.#pacer = new Pacer(options.rateLimit);
    this.lastElicitingAt = nowMs;
  }

  get #hasData(): boolean {
    return this.#options.outgoing.hasData(this.share);
  }

  requestPing(): void {
    this.#pingWanted = true;
  }

  onAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): boolean {
    this.#nowMs = nowMs;
    return this.recovery.onAcknowledgement(acknowledgement, nowMs);
  }

  // ---- fates of packets ----------------------------------------------------------------------------------------------

  #nowMs = 0;

  packetAcknowledged(slot: number): void {
    const { packets } = this.recovery;
    const carried = packets.carried[slot] ?? 0;
    const confirmed = packets.acknowledged[slot] ?? -1;
    if (confirmed >= 0) this.#options.received.onAcknowledgementConfirmed(confirmed);
    if ((carried & CARRIED_SIZE_PROBE) !== 0) this.size.onProbeAcknowledged(packets.bytes[slot] ?? 0, this.#nowMs);
    else this.size.onAcknowledged(packets.bytes[slot] ?? 0);
    this.#options.outgoing.onAcknowledged(packets, slot);
  }

  packetLost(slot: number): void {
    const { packets } = this.recovery;
    if (((packets.carried[slot] ?? 0) & CARRIED_SIZE_PROBE) !== 0)
      this.size.onProbeLost(packets.bytes[slot] ?? 0, this.#nowMs);
    else this.size.onLost(packets.bytes[slot] ?? 0, this.#nowMs);
    this.#sendAgain(slot);
  }

  #sendAgain(slot: number): void {
    const { packets } = this.recovery;
    if (((packets.carried[slot] ?? 0) & CARRIED_LIMITS) !== 0) this.#limitsTold = -1;
    this.#options.outgoing.onLost(packets, slot);
  }

  /** Runs loss and probe timers. */
  onTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    if (!this.recovery.onTimeout(nowMs)) return;
    this.#probesWanted = PROBE_PACKETS;
    this.size.onProbeTimeout(this.recovery.probeCount, nowMs);
    for (const slot of this.recovery.oldestInFlight(PROBE_PACKETS)) this.#sendAgain(slot);
  }

  /**
   * The path does not answer: what it has in flight goes to the connection's other paths, and it asks by a PING, after
   * this probe timeout and each of those that follow, whether it works again.
   */
  giveUpInFlight(): void {
    this.recovery.giveUpInFlight();
    this.#probesWanted = 0;
    this.#pingWanted = true;
  }

  onPathChanged(nowMs: number): void {
    this.size.onPathChanged(nowMs);
    this.#firstSizeProbeSent = false;
    this.recovery.onPathChanged();
    this.controller.onPersistentCongestion(nowMs);
  }

  /** When something held back by pacing may leave, or loss recovery has a timer. */
  timeoutAt(nowMs: number): number {
    const timer = this.recovery.timeoutAt;
    if (!this.#hasData || !this.#windowOpen) return timer;
    return Math.min(timer, Math.max(nowMs, this.#pacer.opensAt));
  }

  // ---- building packets ----------------------------------------------------------------------------------------------

  get #windowOpen(): boolean {
    // Whatever the window, two datagrams of the path's size may be under way.
    const windowBytes = Math.max(this.controller.windowBytes, 2 * this.size.current);
    return this.recovery.bytesInFlight + this.size.current <= windowBytes;
  }

  /** Fills the batch with what may leave now, and seals it. */
  transmit(batch: TransmitBatch, nowMs: number): void {
    const { keys } = this;
    this.#pacer.begin(nowMs, this.controller.pacingBytesPerMs);
    const epoch = keys.sendingEpochOf(this.recovery.packets.next);
    while (batch.hasRoom && keys.sendingEpochOf(this.recovery.packets.next) === epoch) {
      const occasion = this.#nextOccasion(nowMs);
      if (occasion === 'none') break;
      this.#build(batch, occasion, nowMs);
    }
    // Neither shows what the path takes: that there was no more to send, and that the node may not.
    if (this.#windowOpen && (!this.#hasData || this.#pacer.limited)) this.recovery.markAppLimited();
    if (batch.count > 0) batch.seal(keys, epoch);
  }

  #nextOccasion(nowMs: number): Occasion {
    if (this.#probesWanted > 0) return 'probe';
    if (this.#pingWanted) return 'small';
    if (this.size.probeIsDue(nowMs) && (!this.#firstSizeProbeSent || this.#hasData)) return 'size-probe';
    if (this.#hasData && this.#windowOpen && this.#pacer.open) return 'data';
    if (this.#options.received.acknowledgeAt <= nowMs || this.#untoldGrant(nowMs) !== undefined) return 'small';
    return 'none';
  }

  /** The newest grant of limits, if the peer is to be told of it here: a path that fails carries but ACKs and PINGs. */
  #untoldGrant(nowMs: number): number | undefined {
    if (this.share === 'nothing') return undefined;
    const { rtt } = this.recovery;
    const grant = this.#options.incoming.grant({ nowMs, roundTripMs: rtt.sampled ? rtt.smoothedMs : undefined });
    return grant === this.#limitsTold ? undefined : grant;
  }

  #build(batch: TransmitBatch, occasion: Occasion, nowMs: number): void {
    const { recovery } = this;
    const { packets } = recovery;
    const number = packets.next;
    const slot = packets.push();
    const start = batch.used;
    const from = start + HEADER_BYTES;
    const size = occasion === 'size-probe' ? this.size.probeBytes : this.size.current;
    const end = start + Math.max(size, DATAGRAM_BYTES_MIN) - TAG_BYTES;
    const departureAt = this.#pacer.departureAt(nowMs, occasion === 'data');
    let at = this.#writeAcknowledgement(batch.bytes, { at: from, end }, slot, departureAt);
    const acknowledgementEnd = at;
    at = this.#writeLimits(batch.bytes, { at, end }, slot, nowMs);
    if (occasion === 'probe' || occasion === 'data') {
      const { share } = this;
      at = this.#options.outgoing.write(batch.bytes, { from: at, end }, { packets, slot, share });
      if (packets.kind[slot] !== DATA_NONE) this.lastDataAt = nowMs;
    }
    if (occasion === 'size-probe') at = this.#writeSizeProbe(batch.bytes, at, end, slot);
    if (occasion === 'probe') this.#probesWanted -= 1;
    const pings = (this.#pingWanted || occasion === 'probe') && packets.kind[slot] === DATA_NONE && at < end;
    if (pings) {
      batch.bytes[at] = FRAME_PING;
      at += 1;
    }
    this.#pingWanted = false;
    assert(at > from, 'a packet carries at least one frame');
    const eliciting = at > acknowledgementEnd;
    const length = at - start + TAG_BYTES;
    if (eliciting) {
      // Limits are told on every path, also of one that was cut, and as often as the peer sends.
      recovery.onSent(slot, length, { nowMs: departureAt, putsOffProbe: occasion !== 'small' || pings });
      this.lastElicitingAt = nowMs;
    }
    this.#pacer.spend(length, nowMs, eliciting);
    const hurried = pings || occasion === 'probe' || occasion === 'size-probe' || (eliciting && !this.#windowOpen);
    this.#writeHeader(batch.bytes, start, { number, flags: hurried ? FLAG_ACKNOWLEDGE_NOW : 0 });
    batch.pushPacket(number, at - from, departureAt - nowMs);
    this.bytesSent += length;
    this.packetsSent += 1;
  }

  #writeAcknowledgement(bytes: Uint8Array, span: { at: number; end: number }, slot: number, atMs: number): number {
    const { received } = this.#options;
    if (!received.pending) return span.at;
    const at = writeAcknowledgement(bytes, span, received.ranges, atMs - received.largestAt);
    if (at > span.at) {
      this.recovery.packets.acknowledged[slot] = received.largest;
      received.onAcknowledgementSent();
    }
    return at;
  }

  #writeLimits(bytes: Uint8Array, span: { at: number; end: number }, slot: number, nowMs: number): number {
    const grant = this.#untoldGrant(nowMs);
    if (grant === undefined) return span.at;
    const at = this.#options.incoming.writeLimits(bytes, span.at, span.end);
    if (at === span.at) return at;
    this.recovery.packets.carried[slot] = CARRIED_LIMITS;
    this.#limitsTold = grant;
    return at;
  }

  #writeSizeProbe(bytes: Uint8Array, at: number, end: number, slot: number): number {
    const { packets } = this.recovery;
    bytes[at] = FRAME_PING;
    bytes.fill(FRAME_PADDING, at + 1, end);
    packets.carried[slot] = (packets.carried[slot] ?? 0) | CARRIED_SIZE_PROBE;
    this.size.onProbeSent();
    this.#firstSizeProbeSent = true;
    return end;
  }

  /** A packet that says why the connection ends; nothing waits for its acknowledgement. */
  transmitClose(batch: TransmitBatch, reason: string, nowMs: number): void {
    const { keys } = this;
    const { packets } = this.recovery;
    const number = packets.next;
    packets.push();
    const start = batch.used;
    this.#writeHeader(batch.bytes, start, { number, flags: 0 });
    const at = writeClose(batch.bytes, start + HEADER_BYTES, reason);
    batch.pushPacket(number, at - start - HEADER_BYTES, this.#pacer.departureAt(nowMs, false) - nowMs);
    batch.seal(keys, keys.sendingEpochOf(number));
  }

  #writeHeader(bytes: Uint8Array, at: number, header: { number: number; flags: number }): void {
    const index = this.keys.remoteIndex;
    const low = header.number >>> 0;
    const high = Math.floor(header.number / 0x1_0000_0000);
    bytes[at] = PACKET_DATA;
    bytes[at + 1] = header.flags;
    bytes[at + 2] = 0;
    bytes[at + 3] = 0;
    for (let byte = 0; byte < 4; byte++) {
      bytes[at + 4 + byte] = (index >>> (8 * byte)) & 0xff;
      bytes[at + 8 + byte] = (low >>> (8 * byte)) & 0xff;
      bytes[at + 12 + byte] = (high >>> (8 * byte)) & 0xff;
    }
  }
}
