// One authenticated connection to a peer, sans-IO: packets in, packets out, events out; structurally a PeerLink for
// replication. It survives any loss: it ends only when one side closes it, when a rule of the protocol is broken, or
// after 30 s of unanswered probes. Closing is answered for a while, so that a lost CLOSE is repeated.
import { assert } from '../base/assert.ts';
import { MESSAGE_BYTES_MAX } from '../base/limits.ts';
import type { Milliseconds } from '../base/units.ts';
import { milliseconds } from '../base/units.ts';
import type { CongestionController } from './congestion-controller.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEADER_BYTES_MAX,
  CLOSE_REPEATS_MAX,
  CLOSING_MS,
  DEAD_PROBES,
  DEAD_SILENCE_MS,
  DRAIN_MARKS_BYTES,
  FLAG_ACKNOWLEDGE_NOW,
  HEADER_BYTES,
  KEEPALIVE_ANSWERER_MS,
  KEEPALIVE_MS,
} from './constants.ts';
import type { Counters } from './counters.ts';
import { FrameReader, type FrameSink, type LimitKind, type StreamChannel } from './frames.ts';
import { type ConnectionEvent, IncomingData } from './incoming-data.ts';
import type { Acknowledgement } from './loss-recovery.ts';
import type { PacketGroup } from './packet-group.ts';
import type { PacketKeys } from './packet-keys.ts';
import { ReceivedPackets } from './received-packets.ts';
import { Sender } from './sender.ts';
import { type SocketAddress, sameAddress } from './socket-address.ts';
import type { TransmitBatch } from './transmit-batch.ts';

export interface ConnectionOptions {
  readonly peer: Uint8Array;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly remote: SocketAddress;
  readonly keys: PacketKeys;
  /** True on the side that sent the initiation. */
  readonly initiated: boolean;
  readonly peerResetToken: Uint8Array;
  /** The peer's application bytes from the handshake. */
  readonly payload: Uint8Array;
  readonly nowMs: number;
  readonly counters: Counters;
  readonly createController?: () => CongestionController;
}

export interface ConnectionStatistics {
  readonly smoothedRttMs: number;
  readonly minimumRttMs: number;
  readonly windowBytes: number;
  readonly pacingBytesPerMs: number;
  readonly datagramBytes: number;
  readonly bytesInFlight: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly spuriousLosses: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

type State = 'open' | 'closing' | 'closed';

const frameReader = new FrameReader();

export class Connection implements FrameSink {
  readonly peer: Uint8Array;
  readonly localIndex: number;
  readonly initiated: boolean;
  readonly payload: Uint8Array;
  readonly peerResetToken: Uint8Array;
  readonly createdAt: number;
  remote: SocketAddress;
  /** An authentic packet arrived: the peer has the keys. */
  confirmed = false;
  readonly #keys: PacketKeys;
  readonly #counters: Counters;
  readonly #incoming = new IncomingData();
  readonly #received = new ReceivedPackets();
  readonly #sender: Sender;
  #state: State = 'open';
  #closeReason = '';
  #closeWanted = false;
  #closesSent = 0;
  #closedAt = 0;
  #heardAt: number;
  #silentSince: number | undefined; // first eliciting packet since the peer was heard
  #nowMs: number;
  #unacknowledgedBefore = 0;
  #bytesReceived = 0;

  constructor(options: ConnectionOptions) {
    this.peer = options.peer;
    this.localIndex = options.localIndex;
    this.initiated = options.initiated;
    this.payload = options.payload;
    this.peerResetToken = options.peerResetToken;
    this.createdAt = options.nowMs;
    this.remote = options.remote;
    this.confirmed = options.initiated;
    this.#keys = options.keys;
    this.#counters = options.counters;
    this.#heardAt = options.nowMs;
    this.#nowMs = options.nowMs;
    this.#sender = new Sender(
      {
        remoteIndex: options.remoteIndex,
        keys: options.keys,
        received: this.#received,
        incoming: this.#incoming,
        ...(options.createController === undefined ? {} : { createController: options.createController }),
      },
      options.nowMs,
    );
    // The first packet confirms the keys to the responder.
    if (options.initiated) this.#sender.requestPing();
  }

  // ---- the link --------------------------------------------------------------------------------------------------------

  get closed(): boolean {
    return this.#state !== 'open';
  }

  /** Nothing is left to be done: the endpoint may forget it once its events are taken. */
  get finished(): boolean {
    return this.#state === 'closed';
  }

  get unacknowledgedBytes(): number {
    return this.#sender.unacknowledgedBytes;
  }

  get smoothedRtt(): Milliseconds {
    return milliseconds(this.#sender.recovery.rtt.smoothedMs);
  }

  /** The bytes stay the caller's, unchanged, until acknowledged. After the end of the connection they go nowhere. */
  sendMessage(channel: StreamChannel, bytes: Uint8Array): void {
    assert(bytes.length <= MESSAGE_BYTES_MAX, 'a message is at most MESSAGE_BYTES_MAX long');
    if (this.closed) return;
    (channel === 'control' ? this.#sender.control : this.#sender.operations).enqueue(bytes);
    this.#unacknowledgedBefore = this.unacknowledgedBytes;
  }

  sendBlock(header: Uint8Array, body: Uint8Array): void {
    assert(header.length <= BLOCK_HEADER_BYTES_MAX, 'a block header is short');
    assert(2 + header.length + body.length <= BLOCK_BYTES_MAX, 'a block is at most BLOCK_BYTES_MAX long');
    if (this.closed) return;
    this.#sender.blocks.enqueue(header, body);
    this.#unacknowledgedBefore = this.unacknowledgedBytes;
  }

  close(reason: string): void {
    if (this.closed) return;
    this.#state = 'closing';
    this.#closeReason = reason;
    this.#closeWanted = true;
    this.#closedAt = this.#nowMs;
    this.#incoming.push({ kind: 'closed', reason });
  }

  /** Ends without a word to the peer: it is gone, or has a newer connection. */
  abandon(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') this.#incoming.push({ kind: 'closed', reason });
    this.#state = 'closed';
    this.#keys.destroy();
  }

  get hasEvents(): boolean {
    return this.#incoming.hasEvents;
  }

  pollEvent(): ConnectionEvent | undefined {
    return this.#incoming.poll();
  }

  statistics(): ConnectionStatistics {
    const { recovery, controller, size } = this.#sender;
    return {
      smoothedRttMs: recovery.rtt.smoothedMs,
      minimumRttMs: recovery.rtt.minimumMs,
      windowBytes: controller.windowBytes,
      pacingBytesPerMs: controller.pacingBytesPerMs,
      datagramBytes: size.current,
      bytesInFlight: recovery.bytesInFlight,
      packetsSent: this.#sender.packetsSent,
      packetsLost: recovery.packetsLost,
      spuriousLosses: recovery.spuriousLosses,
      bytesSent: this.#sender.bytesSent,
      bytesReceived: this.#bytesReceived,
    };
  }

  // ---- datagrams in ----------------------------------------------------------------------------------------------------

  /** Cheap check before decryption. */
  isFresh(number: number): boolean {
    return this.#received.window.isFresh(number);
  }

  /** Opens and reads a group of packets addressed to this connection. */
  receive(group: PacketGroup, nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#nowMs = nowMs;
    let from = 0;
    while (from < group.count) {
      const epoch = this.#keys.epochOf(group.numberAt(from));
      let to = from + 1;
      while (to < group.count && this.#keys.epochOf(group.numberAt(to)) === epoch) to += 1;
      const opened = this.#keys.open(epoch, group.bytes, group.packets(from, to), group.numbers(from, to));
      for (let index = from; index < to; index++) {
        if (opened === undefined || opened[index - from] !== 1) this.#counters.count('badTag');
        else this.#receivePacket(group, index, epoch);
        if (this.finished) return;
      }
      from = to;
    }
    this.#noticeDrain();
  }

  #receivePacket(group: PacketGroup, index: number, epoch: number): void {
    const number = group.numberAt(index);
    if (!this.#received.window.accept(number)) {
      this.#counters.count('replayed');
      return;
    }
    this.#keys.confirm(epoch);
    this.confirmed = true;
    this.#heardAt = this.#nowMs;
    this.#silentSince = undefined;
    if (this.#state === 'closing') {
      this.#closeWanted = this.#closesSent < CLOSE_REPEATS_MAX;
      return;
    }
    const offset = group.offsetAt(index);
    const length = group.bodyLengthAt(index);
    this.#bytesReceived += length;
    if (number > this.#received.largest) this.#follow(group.sourceAt(index));
    const from = offset + HEADER_BYTES;
    const outcome = frameReader.read(group.bytes, from, from + length, this);
    if (this.#state !== 'open') return;
    if (outcome === 'malformed') {
      this.#counters.count('malformedFrame');
      this.close('protocol violation');
      return;
    }
    const now = ((group.bytes[offset + 1] ?? 0) & FLAG_ACKNOWLEDGE_NOW) !== 0;
    this.#received.onPacket({ number, eliciting: outcome === 'eliciting', now, nowMs: this.#nowMs });
  }

  /** The newest authentic packet says where the peer is now. */
  #follow(source: SocketAddress): void {
    if (sameAddress(source, this.remote)) return;
    this.remote = source;
    this.#counters.count('pathMoved');
    this.#sender.onPathChanged(this.#nowMs);
  }

  onAcknowledgement(acknowledgement: Acknowledgement): boolean {
    return this.#sender.onAcknowledgement(acknowledgement, this.#nowMs);
  }

  onLimit(kind: LimitKind, limit: number): boolean {
    this.#sender.raiseLimit(kind, limit);
    return true;
  }

  onStream(channel: StreamChannel, offset: number, data: Uint8Array): boolean {
    return this.#incoming.onStream(channel, offset, data);
  }

  onChunk(chunk: { id: number; total: number; offset: number }, data: Uint8Array): boolean {
    return this.#incoming.onChunk(chunk, data);
  }

  onClose(reason: string): boolean {
    this.abandon(reason);
    return true;
  }

  #noticeDrain(): void {
    const before = this.#unacknowledgedBefore;
    const after = this.unacknowledgedBytes;
    if (DRAIN_MARKS_BYTES.some((mark) => before > mark && after <= mark)) this.#incoming.push({ kind: 'drain' });
    this.#unacknowledgedBefore = after;
  }

  // ---- time and datagrams out --------------------------------------------------------------------------------------------

  pollTimeout(nowMs: number): number {
    if (this.#state === 'closed') return Number.POSITIVE_INFINITY;
    if (this.#state === 'closing') return this.#closeWanted ? nowMs : this.#closedAt + CLOSING_MS;
    if (!this.confirmed) return Number.POSITIVE_INFINITY; // the endpoint forgets it when nothing confirms it
    return Math.min(
      this.#sender.timeoutAt(nowMs),
      this.#received.acknowledgeAt,
      this.#sender.recovery.packetsInFlight === 0 ? this.#keepaliveAt : Number.POSITIVE_INFINITY,
    );
  }

  get #keepaliveAt(): number {
    const intervalMs = this.initiated ? KEEPALIVE_MS : KEEPALIVE_ANSWERER_MS;
    return Math.max(this.#heardAt, this.#sender.lastElicitingAt) + intervalMs;
  }

  handleTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'closing' && nowMs >= this.#closedAt + CLOSING_MS) this.abandon(this.#closeReason);
    if (this.#state !== 'open' || !this.confirmed) return;
    this.#sender.onTimeout(nowMs);
    const { probeCount, packetsInFlight } = this.#sender.recovery;
    const silenceMs = this.#silentSince === undefined ? 0 : nowMs - this.#silentSince;
    if (probeCount >= DEAD_PROBES && silenceMs >= DEAD_SILENCE_MS) {
      this.abandon('timeout');
      return;
    }
    if (packetsInFlight === 0 && nowMs >= this.#keepaliveAt) this.#sender.requestPing();
  }

  /** Fills the batch with this connection's packets, if any. */
  transmit(batch: TransmitBatch, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'closing' && this.#closeWanted) {
      this.#closeWanted = false;
      this.#closesSent += 1;
      if (this.confirmed) this.#sender.transmitClose(batch, this.#closeReason, nowMs);
    }
    if (this.#state !== 'open' || !this.confirmed) return;
    this.#sender.transmit(batch, nowMs);
    if (this.#silentSince === undefined && this.#sender.lastElicitingAt > this.#heardAt) {
      this.#silentSince = this.#sender.lastElicitingAt;
    }
  }
}
