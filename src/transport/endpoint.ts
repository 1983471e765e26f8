// One node's end of the transport, sans-IO: every datagram of a socket comes in here and is dropped and counted, answered
// or handed to its connection; connections, attempts and answers go out in batches. Verbs after quinn: handleDatagrams,
// handleTimeout, pollTimeout, pollTransmit, pollEvent. Time is an argument; randomness and keys are injected.
import { BLOCK_WINDOWS_GROWTH_BYTES_MAX } from '../base/limits.ts';
import { AddressLimiter } from './address-limiter.ts';
import type { Connection } from './connection.ts';
import { type Binding, ConnectionTable } from './connection-table.ts';
import {
  ANSWERS_MAX,
  HEADER_BYTES,
  KEY_BYTES,
  PACKET_COOKIE,
  PACKET_DATA,
  PACKET_INITIATION,
  PACKET_RESET,
  PACKET_RESPONSE,
  RESET_PACKET_BYTES,
  RESET_TOKEN_BYTES,
  RESETS_BURST,
  RESETS_PER_SECOND_MAX,
  TAG_BYTES,
} from './constants.ts';
import { type CounterName, Counters } from './counters.ts';
import type { DatagramBatch, EndpointEvent, EndpointOptions } from './endpoint-types.ts';
import { type HandshakeIdentity, handshakeIdentity } from './handshake.ts';
import { Handshakes } from './handshakes.ts';
import type { ConnectRequest } from './initiator.ts';
import { PacketGroup } from './packet-group.ts';
import { keyedHash } from './primitives.ts';
import type { SocketAddress } from './socket-address.ts';
import { TokenBucket } from './token-bucket.ts';
import { type Transmit, TransmitBatch } from './transmit-batch.ts';
import { WindowBudget } from './window-budget.ts';

interface Answer {
  readonly datagram: Uint8Array;
  readonly to: SocketAddress;
}

export class Endpoint {
  readonly #identity: HandshakeIdentity;
  readonly #counters = new Counters();
  readonly #handshakes: Handshakes;
  readonly #resetKey: Uint8Array;
  readonly #resetLimiter = new AddressLimiter();
  readonly #resets = new TokenBucket({ perSecond: RESETS_PER_SECOND_MAX, burst: RESETS_BURST });
  readonly #connections = new ConnectionTable();
  readonly #answers: Answer[] = [];
  readonly #events: EndpointEvent[] = [];
  readonly #batch = new TransmitBatch();
  readonly #group = new PacketGroup();
  readonly #windowBudget = new WindowBudget(BLOCK_WINDOWS_GROWTH_BYTES_MAX);
  /** Connections that had nothing more to send in this turn of pollTransmit. */
  #turn: Connection[] = [];
  /** Whose packets went out last. */
  #served: Connection | undefined;

  constructor(options: EndpointOptions) {
    this.#identity = handshakeIdentity(options);
    this.#resetKey = keyedHash(KEY_BYTES, options.keyPair.secretKey, 'PFT/1 reset key');
    this.#handshakes = new Handshakes({
      endpoint: options,
      identity: this.#identity,
      connections: this.#connections,
      counters: this.#counters,
      windowBudget: this.#windowBudget,
      resetTokenOf: (index) => this.#resetTokenOf(index),
      send: (datagram, to) => this.#answer(datagram, to),
      onConfirmed: (binding) => this.#onConfirmed(binding),
    });
  }

  get publicKey(): Uint8Array {
    return this.#identity.keyPair.publicKey;
  }

  counters(): Readonly<Record<CounterName, number>> {
    return this.#counters.snapshot();
  }

  /** What is kept in memory, for tests of its bound. */
  get footprint(): { connections: number; unconfirmed: number; answers: number; addresses: number } {
    return {
      connections: this.#connections.size,
      unconfirmed: this.#connections.unconfirmedCount,
      answers: this.#answers.length,
      addresses: this.#handshakes.addressCount + this.#resetLimiter.size,
    };
  }

  /** The open connection to a peer. */
  connectionTo(peer: Uint8Array): Connection | undefined {
    return this.#connections.withPeer(peer);
  }

  connections(): Connection[] {
    return this.#connections.inUse();
  }

  /**
   * Starts an attempt; 'connected' or 'unreachable' follows. Where there is a connection, the attempt is for one more path
   * of it, and 'paths' follows. Nothing happens when there is that path, or another attempt.
   */
  connect(request: ConnectRequest, nowMs: number): void {
    this.#handshakes.connect(request, nowMs);
  }

  // ---- datagrams in ----------------------------------------------------------------------------------------------------

  handleDatagrams(batch: DatagramBatch, nowMs: number): void {
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
    let binding: Binding | undefined;
    this.#group.begin(batch.bytes, batch.sources);
    for (let position = 0; position < batch.datagrams.length; position += 3) {
      const offset = batch.datagrams[position] ?? 0;
      const length = batch.datagrams[position + 1] ?? 0;
      const source = batch.datagrams[position + 2] ?? 0;
      if (length >= HEADER_BYTES + TAG_BYTES + 1 && batch.bytes[offset] === PACKET_DATA) {
        const target = this.#connections.atIndex(view.getUint32(offset + 4, true));
        if (target === undefined) {
          this.#onUnknownIndex(view.getUint32(offset + 4, true), batch.sources[source], { length, nowMs });
          continue;
        }
        if (target !== binding || this.#group.full) {
          this.#flush(binding, nowMs);
          this.#group.begin(batch.bytes, batch.sources);
          binding = target;
        }
        this.#pushPacket(target, view, { offset, length, source, age: batch.ages[position / 3] ?? 0 });
      } else {
        const from = batch.sources[source];
        if (from !== undefined) this.#onOther(batch.bytes.subarray(offset, offset + length), from, nowMs);
      }
    }
    this.#flush(binding, nowMs);
    this.#sweep(nowMs);
  }

  #pushPacket(
    { path }: Binding,
    view: DataView,
    datagram: { offset: number; length: number; source: number; age: number },
  ): void {
    const { offset, length, source, age } = datagram;
    const numberLow = view.getUint32(offset + 8, true);
    const numberHigh = view.getUint32(offset + 12, true);
    if (numberHigh >= 2 ** 20 || view.getUint16(offset + 2, true) !== 0) this.#counters.count('malformedHeader');
    else if (!path.received.window.isFresh(numberHigh * 0x1_0000_0000 + numberLow)) this.#counters.count('replayed');
    else {
      const bodyLength = length - HEADER_BYTES - TAG_BYTES;
      this.#group.push({ offset, bodyLength, numberLow, numberHigh, source, age });
    }
  }

  #flush(binding: Binding | undefined, nowMs: number): void {
    if (binding === undefined || this.#group.count === 0) return;
    const wasConfirmed = binding.confirmed;
    binding.connection.receive(this.#group, binding, nowMs);
    if (!wasConfirmed && binding.confirmed) this.#onConfirmed(binding);
  }

  #onOther(datagram: Uint8Array, from: SocketAddress, nowMs: number): void {
    this.#counters.count(this.#readOther(datagram, from, nowMs));
  }

  /** Each of these returns what to count. */
  #readOther(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    if (datagram.length < RESET_PACKET_BYTES) return 'tooShort';
    switch (datagram[0]) {
      case PACKET_INITIATION:
        return this.#handshakes.onInitiation(datagram, from, nowMs);
      case PACKET_RESPONSE:
        return this.#handshakes.onResponse(datagram, from, nowMs);
      case PACKET_COOKIE:
        return this.#handshakes.onCookie(datagram, nowMs);
      case PACKET_RESET:
        return this.#onReset(datagram);
      case PACKET_DATA:
        return 'tooShort';
      default:
        return 'badType';
    }
  }

  #onConfirmed(binding: Binding): void {
    const { connection } = binding;
    const isNew = this.#connections.confirm(binding);
    this.#handshakes.onConfirmed(binding, isNew);
    this.#events.push({ kind: isNew ? 'connected' : 'paths', connection });
  }

  #answer(datagram: Uint8Array, to: SocketAddress): void {
    if (this.#answers.length >= ANSWERS_MAX) this.#counters.count('answerDropped');
    else this.#answers.push({ datagram, to });
  }

  // ---- resets: a peer that lost its state says so ------------------------------------------------------------------------

  #onUnknownIndex(index: number, from: SocketAddress | undefined, options: { length: number; nowMs: number }): void {
    this.#counters.count('unknownIndex');
    // Whoever saw our initiation knows the index; its token would end the connection that the answer makes.
    if (this.#handshakes.awaits(index)) return;
    // Never longer than what asked, never an answer to an answer.
    if (from === undefined || options.length <= RESET_PACKET_BYTES) return;
    if (!this.#resets.take(options.nowMs)) return;
    if (!this.#resetLimiter.allow(from.address, options.nowMs)) return;
    const datagram = Buffer.alloc(RESET_PACKET_BYTES);
    datagram[0] = PACKET_RESET;
    datagram.set(this.#resetTokenOf(index), RESET_PACKET_BYTES - RESET_TOKEN_BYTES);
    this.#counters.count('resetSent');
    this.#answer(datagram, from);
  }

  #onReset(datagram: Uint8Array): CounterName {
    const token = datagram.subarray(RESET_PACKET_BYTES - RESET_TOKEN_BYTES, RESET_PACKET_BYTES);
    const binding = this.#connections.withResetToken(token);
    if (binding?.confirmed === true) {
      binding.connection.onReset(binding.path);
      if (!binding.connection.closed) this.#events.push({ kind: 'paths', connection: binding.connection });
      return 'resetReceived';
    }
    return 'unknownIndex';
  }

  #resetTokenOf(index: number): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, index, true);
    return keyedHash(RESET_TOKEN_BYTES, this.#resetKey, 'PFT/1 reset', bytes);
  }

  // ---- time, events and datagrams out ------------------------------------------------------------------------------------

  handleTimeout(nowMs: number): void {
    const failed = this.#handshakes.handleTimeout(nowMs);
    for (const { peer, to } of failed) this.#events.push({ kind: 'unreachable', peer, to });
    for (const connection of this.#connections.all()) {
      const before = connection.paths.length;
      connection.handleTimeout(nowMs);
      if (connection.closed) continue;
      if (connection.paths.length < before) this.#events.push({ kind: 'paths', connection });
      this.#handshakes.renewKeys(connection, nowMs);
    }
    this.#sweep(nowMs);
  }

  /** When handleTimeout or pollTransmit has something to do. */
  pollTimeout(nowMs: number): number {
    if (this.#answers.length > 0) return nowMs;
    let earliest = Math.min(this.#handshakes.timeoutAt, this.#connections.sweepAt);
    for (const connection of this.#connections.all()) earliest = Math.min(earliest, connection.pollTimeout(nowMs));
    return earliest;
  }

  pollEvent(): EndpointEvent | undefined {
    return this.#events.shift();
  }

  /** The next datagrams to send; call it until it returns undefined. Connections take turns. */
  pollTransmit(nowMs: number): Transmit | undefined {
    this.#batch.clear();
    const answer = this.#answers.shift();
    if (answer !== undefined) {
      this.#batch.pushPlain(answer.datagram);
      return this.#batch.transmitTo(answer.to);
    }
    if (this.#turn.length === 0) this.#turn = this.#nextTurn();
    for (let connection = this.#turn.pop(); connection !== undefined; connection = this.#turn.pop()) {
      if (connection.finished) continue;
      const to = connection.transmit(this.#batch, nowMs);
      if (to === undefined || this.#batch.count === 0) continue;
      // It may have more: it goes again after the others.
      this.#turn.unshift(connection);
      this.#served = connection;
      return this.#batch.transmitTo(to);
    }
    return undefined;
  }

  /** The last comes first; the first after the one that was served last: a rate limit may leave nothing for the others. */
  #nextTurn(): Connection[] {
    const connections = [...this.#connections.all()];
    const served = this.#served === undefined ? -1 : connections.indexOf(this.#served);
    return [...connections.slice(served + 1), ...connections.slice(0, served + 1)].reverse();
  }

  #sweep(nowMs: number): void {
    for (const peer of this.#connections.sweep(nowMs)) this.#events.push({ kind: 'unreachable', peer, to: undefined });
  }
}
