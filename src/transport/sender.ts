// The sending half of a connection: decides what the next packet carries (acknowledgement, limits, control, operations,
// blocks, in that order), builds it in the transmit batch, and learns from loss recovery what became of it.
import { assert } from '../base/assert.ts';
import { BandwidthController } from './bandwidth-controller.ts';
import type { CongestionController } from './congestion-controller.ts';
import {
  BLOCK_WINDOW_BYTES,
  DATAGRAM_BYTES_MIN,
  DATAGRAM_BYTES_PROBED,
  FLAG_ACKNOWLEDGE_NOW,
  HEADER_BYTES,
  PACKET_DATA,
  PROBE_PACKETS,
  STREAM_WINDOW_BYTES,
  TAG_BYTES,
} from './constants.ts';
import {
  CHUNK_FRAME_BYTES,
  FRAME_PADDING,
  FRAME_PING,
  LIMIT_BLOCKS,
  LIMIT_CONTROL,
  type LimitKind,
  STREAM_FRAME_BYTES,
  writeAcknowledgement,
  writeChunkHeader,
  writeClose,
  writeStreamHeader,
} from './frames.ts';
import type { IncomingData } from './incoming-data.ts';
import { type Acknowledgement, LossRecovery, type RecoverySink } from './loss-recovery.ts';
import { OutgoingBlocks } from './outgoing-blocks.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import { Pacer } from './pacer.ts';
import type { PacketKeys } from './packet-keys.ts';
import { PacketSize } from './packet-size.ts';
import type { ReceivedPackets } from './received-packets.ts';
import {
  CARRIED_LIMITS,
  CARRIED_SIZE_PROBE,
  DATA_BLOCK,
  DATA_CONTROL,
  DATA_NONE,
  DATA_OPERATIONS,
} from './sent-packets.ts';
import type { TransmitBatch } from './transmit-batch.ts';

/** Why the next packet leaves. */
type Occasion = 'probe' | 'size-probe' | 'data' | 'small' | 'none';

/** Room that a data frame must have to be worth starting. */
const DATA_ROOM_MIN = CHUNK_FRAME_BYTES + 64;

export interface SenderOptions {
  readonly remoteIndex: number;
  readonly keys: PacketKeys;
  readonly received: ReceivedPackets;
  readonly incoming: IncomingData;
  readonly createController?: () => CongestionController;
}

export class Sender implements RecoverySink {
  controller: CongestionController;
  readonly recovery: LossRecovery;
  readonly blocks = new OutgoingBlocks();
  readonly control = new OutgoingStream();
  readonly operations = new OutgoingStream();
  readonly size = new PacketSize();
  readonly #options: SenderOptions;
  readonly #pacer = new Pacer();
  #probesWanted = 0;
  #pingWanted = false;
  #firstSizeProbeSent = false;
  lastElicitingAt: number;
  bytesSent = 0;
  packetsSent = 0;

  constructor(options: SenderOptions, nowMs: number) {
    this.#options = options;
    this.controller = options.createController?.() ?? new BandwidthController();
    this.recovery = new LossRecovery(this.controller, this);
    this.lastElicitingAt = nowMs;
    this.raiseLimit(LIMIT_BLOCKS, BLOCK_WINDOW_BYTES);
    this.control.raiseLimit(STREAM_WINDOW_BYTES);
    this.operations.raiseLimit(STREAM_WINDOW_BYTES);
  }

  get unacknowledgedBytes(): number {
    return this.blocks.unacknowledgedBytes + this.control.unacknowledgedBytes + this.operations.unacknowledgedBytes;
  }

  get hasData(): boolean {
    return this.control.hasData || this.operations.hasData || this.blocks.hasData;
  }

  requestPing(): void {
    this.#pingWanted = true;
  }

  raiseLimit(kind: LimitKind, limit: number): void {
    if (kind === LIMIT_BLOCKS) this.blocks.raiseLimit(limit);
    else if (kind === LIMIT_CONTROL) this.control.raiseLimit(limit);
    else this.operations.raiseLimit(limit);
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
    if ((carried & CARRIED_SIZE_PROBE) !== 0) this.size.onProbeAcknowledged();
    else this.size.onAcknowledged(packets.bytes[slot] ?? 0);
    const offset = packets.offset[slot] ?? 0;
    const length = packets.length[slot] ?? 0;
    switch (packets.kind[slot]) {
      case DATA_BLOCK:
        this.blocks.onAcknowledged(packets.blockId[slot] ?? 0, offset, length);
        break;
      case DATA_CONTROL:
        this.control.onAcknowledged(offset, length);
        break;
      case DATA_OPERATIONS:
        this.operations.onAcknowledged(offset, length);
        break;
    }
  }

  packetLost(slot: number): void {
    const { packets } = this.recovery;
    if (((packets.carried[slot] ?? 0) & CARRIED_SIZE_PROBE) !== 0) this.size.onProbeLost();
    else this.size.onLost(packets.bytes[slot] ?? 0, this.#nowMs);
    this.#sendAgain(slot);
  }

  #sendAgain(slot: number): void {
    const { packets } = this.recovery;
    if (((packets.carried[slot] ?? 0) & CARRIED_LIMITS) !== 0) this.#options.incoming.onLimitsLost();
    const offset = packets.offset[slot] ?? 0;
    const length = packets.length[slot] ?? 0;
    switch (packets.kind[slot]) {
      case DATA_BLOCK:
        this.blocks.onLost(packets.blockId[slot] ?? 0, offset, length);
        break;
      case DATA_CONTROL:
        this.control.onLost(offset, length);
        break;
      case DATA_OPERATIONS:
        this.operations.onLost(offset, length);
        break;
    }
  }

  /** Runs loss and probe timers. */
  onTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    if (!this.recovery.onTimeout(nowMs)) return;
    this.#probesWanted = PROBE_PACKETS;
    this.size.onProbeTimeout(this.recovery.probeCount, nowMs);
    for (const slot of this.recovery.oldestInFlight(PROBE_PACKETS)) this.#sendAgain(slot);
  }

  onPathChanged(nowMs: number): void {
    this.size.onPathChanged(nowMs);
    this.#firstSizeProbeSent = false;
    this.controller.onPersistentCongestion(nowMs);
  }

  /** When something held back by pacing may leave, or loss recovery has a timer. */
  timeoutAt(nowMs: number): number {
    const timer = this.recovery.timeoutAt;
    if (!this.hasData || !this.#windowOpen) return timer;
    return Math.min(timer, Math.max(nowMs, this.#pacer.opensAt));
  }

  // ---- building packets ----------------------------------------------------------------------------------------------

  get #windowOpen(): boolean {
    return this.recovery.bytesInFlight + this.size.current <= this.controller.windowBytes;
  }

  /** Fills the batch with what may leave now, and seals it. */
  transmit(batch: TransmitBatch, nowMs: number): void {
    const { keys } = this.#options;
    this.#pacer.begin(nowMs, this.controller.pacingBytesPerMs);
    const epoch = keys.epochOf(this.recovery.packets.next);
    while (batch.hasRoom && keys.epochOf(this.recovery.packets.next) === epoch) {
      const occasion = this.#nextOccasion(nowMs);
      if (occasion === 'none') break;
      this.#build(batch, occasion, nowMs);
    }
    if (!this.hasData && this.#windowOpen) this.recovery.markAppLimited();
    if (batch.count > 0) batch.seal(keys, epoch);
  }

  #nextOccasion(nowMs: number): Occasion {
    if (this.#probesWanted > 0) return 'probe';
    if (this.#pingWanted) return 'small';
    if (this.size.probeIsDue(nowMs) && (!this.#firstSizeProbeSent || this.hasData)) return 'size-probe';
    if (this.hasData && this.#windowOpen && this.#pacer.open) return 'data';
    const { received, incoming } = this.#options;
    if (received.acknowledgeAt <= nowMs || incoming.limitsAreDue) return 'small';
    return 'none';
  }

  #build(batch: TransmitBatch, occasion: Occasion, nowMs: number): void {
    const { recovery } = this;
    const { packets } = recovery;
    const number = packets.next;
    const slot = packets.push();
    const start = batch.used;
    const from = start + HEADER_BYTES;
    const size = occasion === 'size-probe' ? DATAGRAM_BYTES_PROBED : this.size.current;
    const end = start + Math.max(size, DATAGRAM_BYTES_MIN) - TAG_BYTES;
    const departureAt = this.#pacer.departureAt(nowMs, occasion === 'data');
    let at = this.#writeAcknowledgement(batch.bytes, { at: from, end }, slot, departureAt);
    const acknowledgementEnd = at;
    at = this.#writeLimits(batch.bytes, at, end, slot);
    if (occasion === 'probe' || occasion === 'data') at = this.#writeData(batch.bytes, at, end, slot);
    if (occasion === 'size-probe') at = this.#writeSizeProbe(batch.bytes, at, end, { slot, nowMs });
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
      recovery.onSent(slot, length, departureAt);
      this.lastElicitingAt = nowMs;
      this.#pacer.spend(length, nowMs);
    }
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

  #writeLimits(bytes: Uint8Array, from: number, end: number, slot: number): number {
    const { incoming } = this.#options;
    if (!incoming.limitsAreDue) return from;
    const at = incoming.writeLimits(bytes, from, end);
    if (at > from) this.recovery.packets.carried[slot] = CARRIED_LIMITS;
    return at;
  }

  #writeData(bytes: Uint8Array, from: number, end: number, slot: number): number {
    if (end - from < DATA_ROOM_MIN) return from;
    const { packets } = this.recovery;
    const channel = this.control.hasData ? 'control' : 'operations';
    const stream = channel === 'control' ? this.control : this.operations;
    if (stream.hasData && stream.select(end - from - STREAM_FRAME_BYTES)) {
      const at = writeStreamHeader(bytes, from, channel, stream.offset);
      stream.copy(bytes, at);
      packets.kind[slot] = channel === 'control' ? DATA_CONTROL : DATA_OPERATIONS;
      packets.offset[slot] = stream.offset;
      packets.length[slot] = stream.length;
      stream.markSent();
      return at + stream.length;
    }
    if (!this.blocks.select(end - from - CHUNK_FRAME_BYTES)) return from;
    const { block, offset, length } = this.blocks;
    if (block === undefined) return from;
    const at = writeChunkHeader(bytes, from, { id: block.id, total: block.total, offset });
    block.copy(offset, length, bytes, at);
    packets.kind[slot] = DATA_BLOCK;
    packets.blockId[slot] = block.id;
    packets.offset[slot] = offset;
    packets.length[slot] = length;
    this.blocks.markSent();
    return at + length;
  }

  #writeSizeProbe(bytes: Uint8Array, at: number, end: number, options: { slot: number; nowMs: number }): number {
    const { packets } = this.recovery;
    bytes[at] = FRAME_PING;
    bytes.fill(FRAME_PADDING, at + 1, end);
    packets.carried[options.slot] = (packets.carried[options.slot] ?? 0) | CARRIED_SIZE_PROBE;
    this.size.onProbeSent(options.nowMs);
    this.#firstSizeProbeSent = true;
    return end;
  }

  /** A packet that says why the connection ends; nothing waits for its acknowledgement. */
  transmitClose(batch: TransmitBatch, reason: string, nowMs: number): void {
    const { keys } = this.#options;
    const { packets } = this.recovery;
    const number = packets.next;
    packets.push();
    const start = batch.used;
    this.#writeHeader(batch.bytes, start, { number, flags: 0 });
    const at = writeClose(batch.bytes, start + HEADER_BYTES, reason);
    batch.pushPacket(number, at - start - HEADER_BYTES, this.#pacer.departureAt(nowMs, false) - nowMs);
    batch.seal(keys, keys.epochOf(number));
  }

  #writeHeader(bytes: Uint8Array, at: number, header: { number: number; flags: number }): void {
    const index = this.#options.remoteIndex;
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
