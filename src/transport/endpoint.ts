// One node's end of the transport, sans-IO: every datagram of a socket comes in here and is dropped and counted, answered
// or handed to its connection; connections, attempts and answers go out in batches. Verbs after quinn: handleDatagrams,
// handleTimeout, pollTimeout, pollTransmit, pollEvent. Time is an argument; randomness and keys are injected.
import type { AeadSuite } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { AddressLimiter } from './address-limiter.ts';
import { Connection } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import {
  ANSWERS_MAX,
  HEADER_BYTES,
  KEY_BYTES,
  MAC_BYTES,
  PACKET_COOKIE,
  PACKET_DATA,
  PACKET_INITIATION,
  PACKET_RESET,
  PACKET_RESPONSE,
  RESET_PACKET_BYTES,
  RESET_TOKEN_BYTES,
  SIMULTANEOUS_OPEN_MS,
  TAG_BYTES,
} from './constants.ts';
import { macOf } from './cookie-jar.ts';
import { type CounterName, Counters } from './counters.ts';
import type { DatagramBatch, EndpointEvent, EndpointOptions } from './endpoint-types.ts';
import {
  chooseSuite,
  type HandshakeIdentity,
  type HandshakeResult,
  handshakeIdentity,
  macKeyOf,
  RESPONSE_BYTES_MAX,
  RESPONSE_HEADER_BYTES,
  type Reception,
  suiteMask,
} from './handshake.ts';
import { InitiationGate } from './initiation-gate.ts';
import { type ConnectRequest, Initiator } from './initiator.ts';
import { PacketGroup } from './packet-group.ts';
import { PacketKeys } from './packet-keys.ts';
import { compareBytes, keyedHash, sameBytes } from './primitives.ts';
import type { SocketAddress } from './socket-address.ts';
import { type Transmit, TransmitBatch } from './transmit-batch.ts';

interface Answer {
  readonly datagram: Uint8Array;
  readonly to: SocketAddress;
}

const NO_PAYLOAD = new Uint8Array(0);

export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #identity: HandshakeIdentity;
  readonly #counters = new Counters();
  readonly #gate: InitiationGate;
  readonly #initiator: Initiator;
  readonly #resetKey: Uint8Array;
  readonly #resetLimiter = new AddressLimiter();
  readonly #suites: number;
  readonly #connections = new ConnectionTable();
  readonly #answers: Answer[] = [];
  readonly #events: EndpointEvent[] = [];
  readonly #batch = new TransmitBatch();
  readonly #group = new PacketGroup();
  /** Connections that had nothing more to send in this turn of pollTransmit. */
  #turn: Connection[] = [];

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#identity = handshakeIdentity(options);
    this.#suites = suiteMask(options.suites);
    assert(this.#suites !== 0, 'at least one AEAD suite is offered');
    this.#gate = new InitiationGate(this.#identity, options.random);
    this.#resetKey = keyedHash(KEY_BYTES, options.keyPair.secretKey, 'PFT/1 reset key');
    this.#initiator = new Initiator({
      identity: this.#identity,
      random: options.random,
      wall: options.wall,
      suites: this.#suites,
      allocateIndex: () => this.#allocateIndex(),
      resetTokenOf: (index) => this.#resetTokenOf(index),
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
      addresses: this.#gate.addressCount + this.#resetLimiter.size,
    };
  }

  /** The open connection to a peer. */
  connectionTo(peer: Uint8Array): Connection | undefined {
    return this.#connections.withPeer(peer);
  }

  connections(): Connection[] {
    return this.#connections.inUse();
  }

  /** Starts an attempt; 'connected' or 'unreachable' follows. Nothing happens when there is a connection or an attempt. */
  connect(request: ConnectRequest, nowMs: number): void {
    if (this.connectionTo(request.peer) !== undefined || this.#initiator.has(request.peer)) return;
    if (this.#connections.hasUnconfirmed(request.peer)) return;
    this.#initiator.start(request, nowMs);
  }

  // ---- datagrams in ----------------------------------------------------------------------------------------------------

  handleDatagrams(batch: DatagramBatch, nowMs: number): void {
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
    let connection: Connection | undefined;
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
        if (target !== connection || this.#group.full) {
          this.#flush(connection, nowMs);
          this.#group.begin(batch.bytes, batch.sources);
          connection = target;
        }
        this.#pushPacket(target, view, { offset, length, source });
      } else {
        const from = batch.sources[source];
        if (from !== undefined) this.#onOther(batch.bytes.subarray(offset, offset + length), from, nowMs);
      }
    }
    this.#flush(connection, nowMs);
    this.#sweep(nowMs);
  }

  #pushPacket(
    connection: Connection,
    view: DataView,
    datagram: { offset: number; length: number; source: number },
  ): void {
    const { offset, length, source } = datagram;
    const numberLow = view.getUint32(offset + 8, true);
    const numberHigh = view.getUint32(offset + 12, true);
    if (numberHigh >= 2 ** 20 || view.getUint16(offset + 2, true) !== 0) this.#counters.count('malformedHeader');
    else if (!connection.isFresh(numberHigh * 0x1_0000_0000 + numberLow)) this.#counters.count('replayed');
    else {
      const bodyLength = length - HEADER_BYTES - TAG_BYTES;
      this.#group.push({ offset, bodyLength, numberLow, numberHigh, source });
    }
  }

  #flush(connection: Connection | undefined, nowMs: number): void {
    if (connection === undefined || this.#group.count === 0) return;
    const wasConfirmed = connection.confirmed;
    connection.receive(this.#group, nowMs);
    if (!wasConfirmed && connection.confirmed) this.#onConfirmed(connection);
  }

  #onOther(datagram: Uint8Array, from: SocketAddress, nowMs: number): void {
    this.#counters.count(this.#readOther(datagram, from, nowMs));
  }

  /** Each of these returns what to count. */
  #readOther(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    if (datagram.length < RESET_PACKET_BYTES) return 'tooShort';
    switch (datagram[0]) {
      case PACKET_INITIATION:
        return this.#onInitiation(datagram, from, nowMs);
      case PACKET_RESPONSE:
        return this.#onResponse(datagram, from, nowMs);
      case PACKET_COOKIE: {
        const index = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4, true);
        return this.#initiator.onCookie(datagram, index, nowMs) ? 'cookieReceived' : 'badCookie';
      }
      case PACKET_RESET:
        return this.#onReset(datagram);
      case PACKET_DATA:
        return 'tooShort';
      default:
        return 'badType';
    }
  }

  // ---- the handshake -----------------------------------------------------------------------------------------------------

  #onInitiation(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    const outcome = this.#gate.admit(datagram, from, nowMs);
    if (outcome.kind === 'dropped') return outcome.reason;
    if (outcome.kind === 'cookie') {
      this.#answer(outcome.answer, from);
      return 'cookieSent';
    }
    const { reception, senderIndex } = outcome;
    const suite = chooseSuite(this.#suites, reception.suites);
    if (suite === undefined) return 'noCommonSuite';
    if (this.#options.authorize(reception.peer, reception.payload) === 'refuse') {
      return 'refusedKey';
    }
    this.#gate.remember(reception);
    if (this.#ourOpenWins(reception.peer, nowMs)) return 'crossedOpen';
    this.#accept(reception, { senderIndex, suite, from, nowMs });
    return 'handshakesAccepted';
  }

  /** Two opens crossed: the one begun by the smaller public key stays. */
  #ourOpenWins(peer: Uint8Array, nowMs: number): boolean {
    if (compareBytes(this.publicKey, peer) >= 0) return false;
    const current = this.connectionTo(peer);
    const ours = current?.initiated === true && nowMs - current.createdAt < SIMULTANEOUS_OPEN_MS;
    return ours || this.#initiator.isFresh(peer, nowMs);
  }

  #accept(
    reception: Reception,
    options: { senderIndex: number; suite: AeadSuite; from: SocketAddress; nowMs: number },
  ): void {
    const index = this.#allocateIndex();
    const { message, result } = reception.answer({
      ephemeralSecret: this.#options.random.bytes(KEY_BYTES),
      suite: options.suite,
      resetToken: this.#resetTokenOf(index),
      payload: this.#options.answerPayload?.(reception.peer) ?? NO_PAYLOAD,
    });
    const macAt = RESPONSE_HEADER_BYTES + message.length;
    const datagram = Buffer.alloc(macAt + MAC_BYTES);
    datagram[0] = PACKET_RESPONSE;
    datagram.writeUInt32LE(index, 4);
    datagram.writeUInt32LE(options.senderIndex, 8);
    datagram.set(message, RESPONSE_HEADER_BYTES);
    datagram.set(macOf(macKeyOf(reception.peer), datagram.subarray(0, macAt)), macAt);
    this.#answer(datagram, options.from);
    this.#initiator.cancel(reception.peer);
    const connection = this.#create(result, {
      localIndex: index,
      remoteIndex: options.senderIndex,
      initiated: false,
      remote: options.from,
      nowMs: options.nowMs,
    });
    this.#connections.addUnconfirmed(connection);
  }

  #onResponse(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    if (datagram.length < RESPONSE_HEADER_BYTES + KEY_BYTES + MAC_BYTES || datagram.length > RESPONSE_BYTES_MAX) {
      return 'tooShort';
    }
    const macAt = datagram.length - MAC_BYTES;
    const mac = macOf(macKeyOf(this.publicKey), datagram.subarray(0, macAt));
    if (!sameBytes(mac, datagram.subarray(macAt))) return 'badMac1';
    const view = new DataView(datagram.buffer, datagram.byteOffset);
    const index = view.getUint32(8, true);
    const taken = this.#initiator.take(index);
    if (taken === undefined) return 'unknownIndex';
    const result = taken.initiation.finish(datagram.subarray(RESPONSE_HEADER_BYTES, macAt));
    if (result === 'bad-handshake') return 'badHandshake';
    if (result === 'bad-proof') return 'badProof';
    this.#initiator.cancel(result.peer);
    const remoteIndex = view.getUint32(4, true);
    const connection = this.#create(result, { localIndex: index, remoteIndex, initiated: true, remote: from, nowMs });
    this.#onConfirmed(connection);
    return 'handshakesCompleted';
  }

  #create(
    result: HandshakeResult,
    options: { localIndex: number; remoteIndex: number; initiated: boolean; remote: SocketAddress; nowMs: number },
  ): Connection {
    const { ratchetPackets, createController, createAead } = this.#options;
    const connection = new Connection({
      ...options,
      peer: result.peer,
      payload: result.payload,
      peerResetToken: result.peerResetToken,
      counters: this.#counters,
      keys: new PacketKeys({
        suite: result.suite,
        createAead,
        sendKey: result.sendKey,
        receiveKey: result.receiveKey,
        ...(ratchetPackets === undefined ? {} : { ratchetPackets }),
      }),
      ...(createController === undefined ? {} : { createController }),
    });
    return connection;
  }

  #onConfirmed(connection: Connection): void {
    this.#connections.confirm(connection);
    this.#initiator.cancel(connection.peer);
    this.#events.push({ kind: 'connected', connection });
  }

  #answer(datagram: Uint8Array, to: SocketAddress): void {
    if (this.#answers.length >= ANSWERS_MAX) this.#counters.count('answerDropped');
    else this.#answers.push({ datagram, to });
  }

  // ---- resets: a peer that lost its state says so ------------------------------------------------------------------------

  #onUnknownIndex(index: number, from: SocketAddress | undefined, options: { length: number; nowMs: number }): void {
    this.#counters.count('unknownIndex');
    // Never longer than what asked, never an answer to an answer.
    if (from === undefined || options.length <= RESET_PACKET_BYTES) return;
    if (!this.#resetLimiter.allow(from.address, options.nowMs)) return;
    const datagram = Buffer.alloc(RESET_PACKET_BYTES);
    datagram[0] = PACKET_RESET;
    datagram.set(this.#resetTokenOf(index), RESET_PACKET_BYTES - RESET_TOKEN_BYTES);
    this.#counters.count('resetSent');
    this.#answer(datagram, from);
  }

  #onReset(datagram: Uint8Array): CounterName {
    const token = datagram.subarray(RESET_PACKET_BYTES - RESET_TOKEN_BYTES, RESET_PACKET_BYTES);
    for (const connection of this.#connections.all()) {
      if (!sameBytes(connection.peerResetToken, token)) continue;
      connection.abandon('reset by peer');
      return 'resetReceived';
    }
    return 'unknownIndex';
  }

  #resetTokenOf(index: number): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, index, true);
    return keyedHash(RESET_TOKEN_BYTES, this.#resetKey, 'PFT/1 reset', bytes);
  }

  #allocateIndex(): number {
    for (;;) {
      const bytes = this.#options.random.bytes(4);
      const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      if (index !== 0 && this.#connections.atIndex(index) === undefined && !this.#initiator.hasIndex(index))
        return index;
    }
  }

  // ---- time, events and datagrams out ------------------------------------------------------------------------------------

  handleTimeout(nowMs: number): void {
    const failed = this.#initiator.handleTimeout(nowMs, (datagram, to) => {
      this.#counters.count('initiationsSent');
      this.#answer(datagram, to);
    });
    for (const { peer } of failed) this.#events.push({ kind: 'unreachable', peer });
    for (const connection of this.#connections.all()) connection.handleTimeout(nowMs);
    this.#sweep(nowMs);
  }

  /** When handleTimeout or pollTransmit has something to do. */
  pollTimeout(nowMs: number): number {
    if (this.#answers.length > 0) return nowMs;
    let earliest = Math.min(this.#initiator.timeoutAt, this.#connections.sweepAt);
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
    if (this.#turn.length === 0) this.#turn = [...this.#connections.all()];
    for (let connection = this.#turn.pop(); connection !== undefined; connection = this.#turn.pop()) {
      if (connection.finished) continue;
      connection.transmit(this.#batch, nowMs);
      if (this.#batch.count === 0) continue;
      // It may have more: it goes again after the others.
      this.#turn.unshift(connection);
      return this.#batch.transmitTo(connection.remote);
    }
    return undefined;
  }

  #sweep(nowMs: number): void {
    for (const peer of this.#connections.sweep(nowMs)) this.#events.push({ kind: 'unreachable', peer });
  }
}
