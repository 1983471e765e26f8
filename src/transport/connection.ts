// One authenticated connection to a peer, sans-IO: packets in, packets out, events out; structurally a PeerLink for
// replication. It has one path or several, and survives any loss: it ends only when one side closes it, when a rule of
// the protocol is broken, or when its last path was silent for 30 s. Closing is answered for a while, so that a lost CLOSE
// is repeated.
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
  DRAIN_MARK_BYTES,
  DRAIN_STEP_BYTES,
  FLAG_ACKNOWLEDGE_NOW,
  HEADER_BYTES,
} from './constants.ts';
import type { Counters } from './counters.ts';
import { FrameReader, type FrameSink, LIMIT_BLOCKS, type LimitKind, type StreamChannel } from './frames.ts';
import { type ConnectionEvent, IncomingData } from './incoming-data.ts';
import type { Acknowledgement } from './loss-recovery.ts';
import { OutgoingData } from './outgoing-data.ts';
import type { PacketGroup } from './packet-group.ts';
import type { PacketKeys } from './packet-keys.ts';
import { Path } from './path.ts';
import { type ConnectionStatistics, PathSet } from './path-set.ts';
import type { RateLimit } from './rate-limit.ts';
import type { SocketAddress } from './socket-address.ts';
import type { TransmitBatch } from './transmit-batch.ts';
import type { WindowBudget } from './window-budget.ts';

export interface ConnectionOptions {
  readonly id: Uint8Array;
  readonly peer: Uint8Array;
  /** True on the side that sent the first initiation. */
  readonly initiated: boolean;
  /** The peer's application bytes from the handshake. */
  readonly payload: Uint8Array;
  readonly nowMs: number;
  readonly counters: Counters;
  readonly createController?: () => CongestionController;
  readonly rateLimit?: RateLimit;
  readonly windowBudget: WindowBudget;
}

/** What one handshake made: keys for a path, used once a packet has shown that both sides have them. */
export interface PathBinding {
  readonly path: Path;
  readonly keys: PacketKeys;
  confirmed: boolean;
}

type State = 'open' | 'closing' | 'closed';

const frameReader = new FrameReader();

export class Connection implements FrameSink {
  readonly id: Uint8Array;
  readonly peer: Uint8Array;
  readonly initiated: boolean;
  readonly payload: Uint8Array;
  readonly createdAt: number;
  readonly #counters: Counters;
  readonly #sending: Pick<ConnectionOptions, 'createController' | 'rateLimit'>;
  readonly #incoming: IncomingData;
  readonly #outgoing = new OutgoingData();
  readonly #paths = new PathSet();
  /** Whose packet is being read, and when that arrived: what it waited for its turn here is not the path's. */
  #receiving: Path | undefined;
  #arrivedAt = 0;
  #state: State = 'open';
  #closeReason = '';
  #closeWanted = false;
  #closesSent = 0;
  #closedAt = 0;
  #nowMs: number;
  #unacknowledgedBefore = 0;

  constructor(options: ConnectionOptions) {
    this.id = options.id;
    this.peer = options.peer;
    this.initiated = options.initiated;
    this.payload = options.payload;
    this.createdAt = options.nowMs;
    this.#counters = options.counters;
    const { createController, rateLimit } = options;
    this.#sending = {
      ...(createController === undefined ? {} : { createController }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    };
    this.#incoming = new IncomingData(options.windowBudget);
    this.#nowMs = options.nowMs;
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
    return this.#outgoing.unacknowledgedBytes;
  }

  /** Bytes of blocks that were in no packet yet. */
  get unsentBytes(): number {
    return this.#outgoing.blocks.unsentBytes;
  }

  /** Bytes of blocks beyond those acknowledged that the peer accepts: as much is worth handing over at once. */
  get windowBytes(): number {
    return this.#outgoing.blocks.windowBytes;
  }

  /** Estimated rate of all paths; 0 before the first estimate. */
  get rateBytesPerMs(): number {
    return this.#paths.rateBytesPerMs;
  }

  get smoothedRtt(): Milliseconds {
    return milliseconds(this.#fastest.smoothedRttMs);
  }

  /** The bytes stay the caller's, unchanged, until acknowledged. After the end of the connection they go nowhere. */
  sendMessage(channel: StreamChannel, bytes: Uint8Array): void {
    assert(bytes.length <= MESSAGE_BYTES_MAX, 'a message is at most MESSAGE_BYTES_MAX long');
    if (this.closed) return;
    (channel === 'control' ? this.#outgoing.control : this.#outgoing.operations).enqueue(bytes);
    this.#unacknowledgedBefore = this.unacknowledgedBytes;
  }

  sendBlock(header: Uint8Array, body: Uint8Array): void {
    assert(header.length <= BLOCK_HEADER_BYTES_MAX, 'a block header is short');
    assert(2 + header.length + body.length <= BLOCK_BYTES_MAX, 'a block is at most BLOCK_BYTES_MAX long');
    if (this.closed) return;
    this.#outgoing.blocks.enqueue(header, body);
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
    for (const path of this.#paths) path.destroyKeys();
    this.#incoming.close();
  }

  get hasEvents(): boolean {
    return this.#incoming.hasEvents;
  }

  pollEvent(): ConnectionEvent | undefined {
    return this.#incoming.poll();
  }

  statistics(): ConnectionStatistics {
    return this.#paths.statistics(this.#nowMs);
  }

  // ---- paths -----------------------------------------------------------------------------------------------------------

  get paths(): readonly Path[] {
    return this.#paths.all;
  }

  get #fastest(): Path {
    return this.#paths.fastest(this.#nowMs);
  }

  /** Where the peer is, by the fastest path. */
  get remote(): SocketAddress {
    return this.#fastest.remote;
  }

  /** The path to a place of the peer, from the local address if that is given. */
  pathTo(remote: SocketAddress): Path | undefined {
    return this.#paths.to(remote);
  }

  pathWithId(id: number): Path | undefined {
    return this.#paths.withId(id);
  }

  /** An id for a path that this side makes; undefined when there are enough. */
  freePathId(): number | undefined {
    return this.#paths.freeId(this.initiated);
  }

  /** A path that is not in use yet. Confirmed, it takes the place of one with the same id or to the same address. */
  createPath(options: {
    id: number;
    initiated: boolean;
    remote: SocketAddress;
    keys: PacketKeys;
    nowMs: number;
  }): Path {
    const { nowMs, ...rest } = options;
    return new Path({ ...rest, ...this.#sending, incoming: this.#incoming, outgoing: this.#outgoing }, nowMs);
  }

  /** Both sides have the keys: a new path is used from now on, an old one uses its new keys. */
  confirm(binding: PathBinding, nowMs: number): void {
    const { path, keys } = binding;
    binding.confirmed = true;
    if (path.keys !== keys) {
      path.renewKeys(keys, nowMs);
      this.#counters.count('keysRenewed');
    }
    if (!this.#paths.includes(path)) {
      for (const old of this.#paths.add(path)) this.#drop(old, 'replaced');
      if (this.#paths.size > 1) this.#counters.count('pathsAdded');
    }
    // The first packet confirms the keys to the responder.
    if (path.initiated) path.sender.requestPing();
  }

  /** Ends with its last path. */
  #drop(path: Path, reason: string): void {
    if (this.#paths.size === 1) {
      this.abandon(reason);
      return;
    }
    path.sender.giveUpInFlight();
    path.destroyKeys();
    this.#paths.remove(path);
    this.#counters.count('pathsLost');
  }

  /** The peer does not know a path's index any more. */
  onReset(path: Path): void {
    this.#drop(path, 'reset by peer');
  }

  // ---- datagrams in ----------------------------------------------------------------------------------------------------

  /** Opens and reads a group of packets that all came for one binding. */
  receive(group: PacketGroup, binding: PathBinding, nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#nowMs = nowMs;
    const { path, keys } = binding;
    let start = 0;
    while (start < group.count) {
      const epoch = keys.receivingEpochOf(group.numberAt(start));
      let end = start + 1;
      while (end < group.count && keys.receivingEpochOf(group.numberAt(end)) === epoch) end += 1;
      const opened = keys.open(epoch, group.bytes, group.packets(start, end), group.numbers(start, end));
      for (let index = start; index < end; index++) {
        if (opened === undefined || opened[index - start] !== 1) this.#counters.count('badTag');
        else {
          keys.confirm(epoch);
          if (!binding.confirmed) this.confirm(binding, nowMs);
          path.onOpened(keys, nowMs);
          this.#receivePacket(group, index, path);
        }
        if (this.finished) return;
      }
      start = end;
    }
    this.#noticeDrain();
  }

  #receivePacket(group: PacketGroup, index: number, path: Path): void {
    const number = group.numberAt(index);
    if (!path.received.window.accept(number)) {
      this.#counters.count('replayed');
      return;
    }
    path.onHeard(this.#nowMs);
    if (this.#state === 'closing') {
      this.#closeWanted = this.#closesSent < CLOSE_REPEATS_MAX;
      return;
    }
    const offset = group.offsetAt(index);
    const length = group.bodyLengthAt(index);
    path.bytesReceived += length;
    if (number > path.received.largest && path.follow(group.sourceAt(index), this.#nowMs)) {
      this.#counters.count('pathMoved');
    }
    const from = offset + HEADER_BYTES;
    this.#receiving = path;
    this.#arrivedAt = this.#nowMs - group.ageAt(index);
    const outcome = frameReader.read(group.bytes, from, from + length, this);
    if (this.#state !== 'open') return;
    if (outcome === 'malformed') {
      this.#counters.count('malformedFrame');
      this.close('protocol violation');
      return;
    }
    const now = ((group.bytes[offset + 1] ?? 0) & FLAG_ACKNOWLEDGE_NOW) !== 0;
    path.received.onPacket({ number, eliciting: outcome === 'eliciting', now, nowMs: this.#arrivedAt });
  }

  onAcknowledgement(acknowledgement: Acknowledgement): boolean {
    return this.#receiving?.onAcknowledgement(acknowledgement, this.#arrivedAt) === true;
  }

  onLimit(kind: LimitKind, limit: number): boolean {
    this.#outgoing.raiseLimit(kind, limit);
    if (kind === LIMIT_BLOCKS) this.#incoming.push({ kind: 'drain' });
    return true;
  }

  onStream(channel: StreamChannel, offset: number, data: Uint8Array): boolean {
    this.#receiving?.onData(this.#nowMs);
    return this.#incoming.onStream(channel, offset, data);
  }

  onChunk(chunk: { id: number; total: number; offset: number }, data: Uint8Array): boolean {
    this.#receiving?.onData(this.#nowMs);
    return this.#incoming.onChunk(chunk, data);
  }

  onClose(reason: string): boolean {
    this.abandon(reason);
    return true;
  }

  #noticeDrain(): void {
    const before = this.#unacknowledgedBefore;
    const after = this.unacknowledgedBytes;
    const fellThrough = (step: number): boolean => Math.ceil(before / step) > Math.ceil(after / step);
    if (fellThrough(DRAIN_STEP_BYTES) || (before > DRAIN_MARK_BYTES && after <= DRAIN_MARK_BYTES)) {
      this.#incoming.push({ kind: 'drain' });
    }
    this.#unacknowledgedBefore = after;
  }

  // ---- time and datagrams out --------------------------------------------------------------------------------------------

  pollTimeout(nowMs: number): number {
    if (this.#state === 'closed') return Number.POSITIVE_INFINITY;
    if (this.#state === 'closing') return this.#closeWanted ? nowMs : this.#closedAt + CLOSING_MS;
    let earliest = Number.POSITIVE_INFINITY;
    this.#paths.shareOut(nowMs);
    for (const path of this.#paths) earliest = Math.min(earliest, path.pollTimeout(nowMs));
    return earliest;
  }

  handleTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'closing' && nowMs >= this.#closedAt + CLOSING_MS) this.abandon(this.#closeReason);
    for (const path of [...this.#paths]) {
      if (this.#state !== 'open') return;
      if (path.handleTimeout(nowMs, !this.#paths.hasOther(path)) === 'dead') this.#drop(path, 'timeout');
    }
  }

  /** Fills the batch with the packets of one path, if any may leave; returns where they go. */
  transmit(batch: TransmitBatch, nowMs: number): SocketAddress | undefined {
    this.#nowMs = nowMs;
    if (this.#state === 'closed') return undefined;
    if (this.#state === 'closing') return this.#transmitClose(batch, nowMs);
    return this.#paths.transmit(batch, nowMs);
  }

  #transmitClose(batch: TransmitBatch, nowMs: number): SocketAddress | undefined {
    if (!this.#closeWanted || this.#paths.size === 0) return undefined;
    this.#closeWanted = false;
    this.#closesSent += 1;
    const path = this.#fastest;
    path.sender.transmitClose(batch, this.#closeReason, nowMs);
    return path.remote;
  }
}
