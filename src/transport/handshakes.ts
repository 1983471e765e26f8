// Handshakes of an endpoint: asks for connections, for more paths of one and for new keys of a path, answers peers that
// ask, and settles it when both ask at once. What comes out are bindings, put into the table of connections.
import type { AeadSuite } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { Connection } from './connection.ts';
import type { Binding, ConnectionTable } from './connection-table.ts';
import { CONNECTION_ID_BYTES, KEY_BYTES, MAC_BYTES, PACKET_RESPONSE, SIMULTANEOUS_OPEN_MS } from './constants.ts';
import { macOf } from './cookie-jar.ts';
import type { CounterName, Counters } from './counters.ts';
import type { EndpointOptions } from './endpoint-types.ts';
import {
  chooseSuite,
  type HandshakeIdentity,
  type HandshakeResult,
  macKeyOf,
  type PathRequest,
  RESPONSE_BYTES_MAX,
  RESPONSE_HEADER_BYTES,
  type Reception,
  suiteMask,
} from './handshake.ts';
import { InitiationGate } from './initiation-gate.ts';
import { type ConnectRequest, Initiator } from './initiator.ts';
import { PacketKeys } from './packet-keys.ts';
import type { Path } from './path.ts';
import { compareBytes, sameBytes, wipe } from './primitives.ts';
import type { SocketAddress } from './socket-address.ts';
import type { WindowBudget } from './window-budget.ts';

const NO_PAYLOAD = new Uint8Array(0);

export interface HandshakesOptions {
  readonly endpoint: EndpointOptions;
  readonly identity: HandshakeIdentity;
  readonly connections: ConnectionTable;
  readonly counters: Counters;
  readonly windowBudget: WindowBudget;
  readonly resetTokenOf: (index: number) => Uint8Array;
  readonly send: (datagram: Uint8Array, to: SocketAddress) => void;
  /** The initiator's side of a binding has the keys and the responder's too. */
  readonly onConfirmed: (binding: Binding) => void;
}

/** The path that is to get new keys; undefined where a new one is asked for, although an old one may have its id. */
const pathToRenew = (connection: Connection | undefined, { pathId, nextNumber }: PathRequest): Path | undefined =>
  nextNumber === 0 ? undefined : connection?.pathWithId(pathId);

export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #identity: HandshakeIdentity;
  readonly #connections: ConnectionTable;
  readonly #suites: number;
  readonly #gate: InitiationGate;
  readonly #initiator: Initiator;

  constructor(options: HandshakesOptions) {
    const { random, wall, suites } = options.endpoint;
    this.#options = options;
    this.#identity = options.identity;
    this.#connections = options.connections;
    this.#suites = suiteMask(suites);
    assert(this.#suites !== 0, 'at least one AEAD suite is offered');
    this.#gate = new InitiationGate(this.#identity, random);
    this.#initiator = new Initiator({
      identity: this.#identity,
      random,
      wall,
      suites: this.#suites,
      allocateIndex: () => this.#allocateIndex(),
      resetTokenOf: options.resetTokenOf,
      pathRequestOf: (request) => this.#pathRequestOf(request),
    });
  }

  /** Addresses remembered, for tests of constant memory. */
  get addressCount(): number {
    return this.#gate.addressCount;
  }

  // ---- asking ----------------------------------------------------------------------------------------------------------

  /**
   * Starts an attempt; 'connected' or 'unreachable' follows. Where there is a connection, the attempt is for one more path
   * of it. Nothing happens when there is that path, or another attempt.
   */
  connect(request: ConnectRequest, nowMs: number): void {
    const { peer, to } = request;
    if (this.#connections.hasUnconfirmed(peer)) return;
    const connection = this.#connections.withPeer(peer);
    if (connection !== undefined && (connection.pathTo(to) !== undefined || connection.freePathId() === undefined))
      return;
    // An attempt for a path of a connection that has ended since makes way.
    if (this.#initiator.has(peer) && (connection !== undefined || this.#initiator.opens(peer))) return;
    this.#initiator.start({ ...request, opens: connection === undefined }, nowMs);
  }

  #pathRequestOf({ peer, to }: ConnectRequest): PathRequest {
    const connection = this.#connections.withPeer(peer);
    const path = connection?.pathTo(to);
    const pathId = path?.id ?? connection?.freePathId();
    if (connection === undefined || pathId === undefined) {
      return { connectionId: this.#options.endpoint.random.bytes(CONNECTION_ID_BYTES), pathId: 0, nextNumber: 0 };
    }
    return { connectionId: connection.id, pathId, nextNumber: path?.sender.recovery.packets.next ?? 0 };
  }

  /** Begins a handshake for new keys, where a path of the connection is due for them. */
  renewKeys({ peer, paths }: Connection, nowMs: number): void {
    const path = paths.find((candidate) => candidate.rekeyIsDue(nowMs));
    if (path === undefined || this.#initiator.has(peer)) return;
    path.onRekeyBegun(nowMs);
    this.#initiator.start({ peer, to: path.remote, payload: NO_PAYLOAD, opens: false }, nowMs);
  }

  /** An answered binding is confirmed: nothing more is asked of a new connection's peer, nor for the path that it is. */
  onConfirmed({ connection, path }: Binding, isNew: boolean): void {
    const { peer } = connection;
    if (isNew || this.#initiator.isFor(peer, path.remote)) this.#initiator.cancel(peer);
  }

  /** Whether an answer to an initiation may come to this index. */
  awaits(index: number): boolean {
    return this.#initiator.hasIndex(index);
  }

  get timeoutAt(): number {
    return this.#initiator.timeoutAt;
  }

  /** Sends what is due; returns the requests that are given up. */
  handleTimeout(nowMs: number): ConnectRequest[] {
    return this.#initiator.handleTimeout(nowMs, (datagram, to) => {
      this.#options.counters.count('initiationsSent');
      this.#options.send(datagram, to);
    });
  }

  onCookie(datagram: Uint8Array, nowMs: number): CounterName {
    const index = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4, true);
    return this.#initiator.onCookie(datagram, index, nowMs) ? 'cookieReceived' : 'badCookie';
  }

  // ---- answering -------------------------------------------------------------------------------------------------------

  onInitiation(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    const outcome = this.#gate.admit(datagram, from, nowMs);
    if (outcome.kind === 'dropped') return outcome.reason;
    if (outcome.kind === 'cookie') {
      this.#options.send(outcome.answer, from);
      return 'cookieSent';
    }
    const { reception, senderIndex } = outcome;
    const suite = chooseSuite(this.#suites, reception.suites);
    if (suite === undefined) return 'noCommonSuite';
    if (this.#options.endpoint.authorize(reception.peer, reception.payload) === 'refuse') {
      return 'refusedKey';
    }
    this.#gate.remember(reception);
    const joined = this.#connections.withId(reception.peer, reception.request.connectionId);
    const renewed = pathToRenew(joined, reception.request);
    if (joined !== undefined && renewed === undefined && reception.request.nextNumber > 0) return 'unknownPath';
    const crosses =
      joined === undefined ? this.#ourOpenWins(reception.peer, nowMs) : this.#haveOurs(joined, reception, from);
    if (crosses) return 'crossedOpen';
    this.#accept(reception, { senderIndex, suite, from, joined, nowMs });
    return 'handshakesAccepted';
  }

  /** Two opens crossed: the one begun by the smaller public key stays. */
  #ourOpenWins(peer: Uint8Array, nowMs: number): boolean {
    if (compareBytes(this.#identity.keyPair.publicKey, peer) >= 0) return false;
    const current = this.#connections.withPeer(peer);
    const ours = current?.initiated === true && nowMs - current.createdAt < SIMULTANEOUS_OPEN_MS;
    return ours || this.#initiator.isFresh(peer, nowMs);
  }

  /** Whether a new path is asked for to where one stands or is being made that this side began. */
  #haveOurs(connection: Connection, { peer, request }: Reception, from: SocketAddress): boolean {
    if (request.nextNumber > 0) return false;
    const path = connection.pathTo(from);
    if (path?.initiated === true && !path.failing) return true;
    return compareBytes(this.#identity.keyPair.publicKey, peer) < 0 && this.#initiator.isFor(peer, from);
  }

  #accept(
    reception: Reception,
    options: {
      senderIndex: number;
      suite: AeadSuite;
      from: SocketAddress;
      joined: Connection | undefined;
      nowMs: number;
    },
  ): void {
    const { joined, senderIndex, from, nowMs } = options;
    const index = this.#allocateIndex();
    const joins = { nextNumber: pathToRenew(joined, reception.request)?.sender.recovery.packets.next ?? 0 };
    const { message, result } = reception.answer({
      ephemeralSecret: this.#options.endpoint.random.bytes(KEY_BYTES),
      suite: options.suite,
      resetToken: this.#options.resetTokenOf(index),
      ...(joined === undefined ? {} : { joins }),
      payload: this.#options.endpoint.answerPayload?.(reception.peer) ?? NO_PAYLOAD,
    });
    const macAt = RESPONSE_HEADER_BYTES + message.length;
    const datagram = Buffer.alloc(macAt + MAC_BYTES);
    datagram[0] = PACKET_RESPONSE;
    datagram.writeUInt32LE(index, 4);
    datagram.writeUInt32LE(senderIndex, 8);
    datagram.set(message, RESPONSE_HEADER_BYTES);
    datagram.set(macOf(macKeyOf(reception.peer), datagram.subarray(0, macAt)), macAt);
    this.#options.send(datagram, from);
    const ends = { localIndex: index, remoteIndex: senderIndex };
    this.#connections.addUnconfirmed(this.#bind(result, { ...ends, initiated: false, remote: from, joined, nowMs }));
  }

  onResponse(datagram: Uint8Array, from: SocketAddress, nowMs: number): CounterName {
    if (datagram.length < RESPONSE_HEADER_BYTES + KEY_BYTES + MAC_BYTES || datagram.length > RESPONSE_BYTES_MAX) {
      return 'tooShort';
    }
    const macAt = datagram.length - MAC_BYTES;
    const mac = macOf(macKeyOf(this.#identity.keyPair.publicKey), datagram.subarray(0, macAt));
    if (!sameBytes(mac, datagram.subarray(macAt))) return 'badMac1';
    const view = new DataView(datagram.buffer, datagram.byteOffset);
    const index = view.getUint32(8, true);
    const taken = this.#initiator.take(index);
    if (taken === undefined) return 'unknownIndex';
    const result = taken.initiation.finish(datagram.subarray(RESPONSE_HEADER_BYTES, macAt));
    if (result === 'bad-handshake') return 'badHandshake';
    if (result === 'bad-proof') return 'badProof';
    this.#initiator.cancel(result.peer);
    const known = this.#connections.withId(result.peer, result.request.connectionId);
    // What was asked of has ended here in the meantime.
    const { nextNumber } = result.request;
    if (
      result.joined &&
      (known === undefined || (nextNumber > 0 && pathToRenew(known, result.request) === undefined))
    ) {
      wipe(result.sendKey);
      wipe(result.receiveKey);
      return 'lateResponse';
    }
    const ends = { localIndex: index, remoteIndex: view.getUint32(4, true) };
    const joined = result.joined ? known : undefined;
    // Where it was asked, whatever the answer's source says: an authentic packet that comes from elsewhere moves the path.
    const remote = { ...taken.request.to, ...(from.local === undefined ? {} : { local: from.local }) };
    const binding = this.#bind(result, { ...ends, initiated: true, remote, joined, nowMs });
    binding.connection.confirm(binding, nowMs);
    this.#options.onConfirmed(binding);
    return 'handshakesCompleted';
  }

  /** What a handshake made: keys for a path of the connection joined, or of a new one. */
  #bind(
    result: HandshakeResult,
    options: {
      localIndex: number;
      remoteIndex: number;
      initiated: boolean;
      remote: SocketAddress;
      joined: Connection | undefined;
      nowMs: number;
    },
  ): Binding {
    const { ratchetPackets, createController, rateLimit, createAead } = this.#options.endpoint;
    const { localIndex, remoteIndex, initiated, remote, joined, nowMs } = options;
    const keys = new PacketKeys({
      suite: result.suite,
      createAead,
      localIndex,
      remoteIndex,
      sendFrom: result.sendFrom,
      receiveFrom: result.receiveFrom,
      sendKey: result.sendKey,
      receiveKey: result.receiveKey,
      ...(ratchetPackets === undefined ? {} : { ratchetPackets }),
    });
    const connection =
      joined ??
      new Connection({
        id: result.request.connectionId,
        peer: result.peer,
        initiated,
        payload: result.payload,
        nowMs,
        counters: this.#options.counters,
        windowBudget: this.#options.windowBudget,
        ...(createController === undefined ? {} : { createController }),
        ...(rateLimit === undefined ? {} : { rateLimit }),
      });
    const id = joined === undefined ? 0 : result.request.pathId;
    const path = pathToRenew(joined, result.request) ?? connection.createPath({ id, initiated, remote, keys, nowMs });
    return { connection, path, keys, confirmed: false, peerResetToken: result.peerResetToken, createdAt: nowMs };
  }

  #allocateIndex(): number {
    for (;;) {
      const bytes = this.#options.endpoint.random.bytes(4);
      const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      if (index !== 0 && this.#connections.atIndex(index) === undefined && !this.#initiator.hasIndex(index))
        return index;
    }
  }
}
