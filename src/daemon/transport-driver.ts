// Runs a transport Endpoint on a real socket: the only impure part of the transport. Feeds received batches, sends what
// is due, keeps one timer for the next deadline, has configured peers pursued (peer-pursuit.ts), and gives each connection
// to the daemon as a link. All calls happen on the JavaScript main thread.
import type { ReceivedBatch } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import type { Milliseconds } from '../base/units.ts';
import { createController } from '../transport/congestion-profiles.ts';
import type { Connection } from '../transport/connection.ts';
import { Endpoint } from '../transport/endpoint.ts';
import type { ConnectionEvent } from '../transport/incoming-data.ts';
import { hexOf, keyPairOf } from '../transport/primitives.ts';
import type { Transmit } from '../transport/transmit-batch.ts';
import { PeerPursuit } from './peer-pursuit.ts';
import type { PeerAddress } from './peer-target.ts';
import type {
  LinkListener,
  TransportDriverOptions,
  TransportLink,
  TransportLinkEvents,
  TransportStatus,
} from './transport-link.ts';

/** Batches sent before the event loop gets a turn. */
const BATCHES_PER_TURN = 16;
/** A socket that did not take everything (its buffer is full, or there is no route) is left alone for so long. */
const SOCKET_PAUSE_MS = 1;
const TIMER_MS_MAX = 60_000;

interface OpenLink {
  readonly connection: Connection;
  readonly openedAt: number;
  events: TransportLinkEvents | undefined;
}

export class TransportDriver {
  readonly #options: TransportDriverOptions;
  readonly #endpoint: Endpoint;
  readonly #links = new Map<Connection, OpenLink>();
  readonly #pursuit: PeerPursuit;
  #listeners: LinkListener[] = [];
  #bound: { address: string; port: number } | undefined;
  #closed = false;
  #closing = false;
  #inTurn = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #immediate: NodeJS.Immediate | undefined;
  /** Datagrams that the socket did not take yet. */
  #held: { transmit: Transmit; from: number } | undefined;
  #pausedUntil = 0;

  constructor(options: TransportDriverOptions) {
    this.#options = options;
    const { clock, random, createAead, authorize, answerPayload, volumeId, volumeSecret } = options;
    this.#endpoint = new Endpoint({
      keyPair: keyPairOf(options.secretKey),
      volumeId,
      volumeSecret,
      random,
      wall: () => clock.wall(),
      createAead,
      suites: options.aesGcm ? ['aes-256-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'],
      authorize,
      createController: () => createController(options.congestion ?? 'bulk', random),
      ...(options.rateLimit === undefined ? {} : { rateLimit: options.rateLimit }),
      ...(answerPayload === undefined ? {} : { answerPayload }),
    });
    this.#pursuit = new PeerPursuit({
      endpoint: this.#endpoint,
      random,
      logger: options.logger,
      now: () => this.#now,
      isDualStack: () => this.#bound?.address.includes(':') === true,
      wake: () => this.#wake(),
    });
  }

  /** Binds and begins to receive; returns what was bound. */
  start(): { address: string; port: number } {
    assert(this.#bound === undefined && !this.#closed, 'a driver starts once');
    const { socket, listen, logger } = this.#options;
    try {
      this.#bound = socket.bind(listen.address, listen.port);
    } catch (cause) {
      const message = `UDP port ${listen.port} of ${listen.address} cannot be used: choose another with --listen.`;
      throw new PacketFsError('PFS_UNREACHABLE', message, { cause, facts: { ...listen } });
    }
    socket.start(
      (batch) => this.#onBatch(batch),
      (errno) => logger.warn({ errno }, 'socket error'),
    );
    logger.info({ ...this.#bound }, 'transport listens');
    this.#schedule();
    return this.#bound;
  }

  /** Pursues a peer for ever. The same host and port again replaces the keys and the payload. */
  connectTo(peer: PeerAddress): void {
    this.#pursuit.add(peer);
    this.#wake();
  }

  /** Stops pursuing; a connection that is open stays. */
  forget(peer: { readonly host: string; readonly port: number }): void {
    this.#pursuit.forget(peer);
  }

  /** Closes the connection to a peer, for instance because it is no longer a member. */
  disconnect(publicKey: Uint8Array, reason: string): void {
    this.#endpoint.connectionTo(publicKey)?.close(reason);
    this.#wake();
  }

  /** `listener` gets every connection, opened by either side; returns an unsubscribe function. */
  onLink(listener: LinkListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((candidate) => candidate !== listener);
    };
  }

  status(): TransportStatus {
    const nowMs = this.#now;
    return {
      listen: this.#bound,
      links: [...this.#links.values()]
        .filter(({ connection }) => !connection.closed)
        .map(({ connection, openedAt }) => ({
          peer: connection.peer,
          address: connection.remote.address,
          port: connection.remote.port,
          initiated: connection.initiated,
          ageMs: nowMs - openedAt,
          unacknowledgedBytes: connection.unacknowledgedBytes,
          statistics: connection.statistics(),
        })),
      targets: this.#pursuit.status(),
      counters: this.#endpoint.counters(),
      socket: this.#options.socket.counters(),
    };
  }

  /** Tells the peers, then frees the socket. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closing = true;
    this.#pursuit.clear();
    for (const { connection } of this.#links.values()) connection.close('shutting down');
    // Called by a listener, that is within a turn, it ends with the turn.
    if (this.#inTurn) return;
    if (this.#bound !== undefined) this.#turn();
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#options.socket.close();
  }

  // ---- the loop --------------------------------------------------------------------------------------------------------

  get #now(): Milliseconds {
    return this.#options.clock.monotonic();
  }

  #onBatch(batch: ReceivedBatch): void {
    if (this.#closed) return;
    this.#endpoint.handleDatagrams(batch, this.#now);
    this.#turn();
  }

  /** Something was given to send from outside the loop. */
  #wake(): void {
    if (this.#closed || this.#bound === undefined || this.#inTurn || this.#immediate !== undefined) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#turn();
    });
  }

  /** One turn: timers, events, datagrams out, the next deadline. */
  #turn(): void {
    if (this.#closed || this.#inTurn) return;
    this.#inTurn = true;
    try {
      const nowMs = this.#now;
      this.#pursuit.pursue(nowMs);
      this.#endpoint.handleTimeout(nowMs);
      this.#takeEndpointEvents();
      this.#takeLinkEvents();
      this.#transmit();
    } finally {
      this.#inTurn = false;
    }
    if (this.#closing) this.#end();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    const nowMs = this.#now;
    let nextAt = Math.min(this.#endpoint.pollTimeout(nowMs), this.#pursuit.nextAt);
    if (this.#held !== undefined || this.#hasLinkEvents) nextAt = nowMs;
    nextAt = Math.max(nextAt, this.#pausedUntil);
    if (nextAt <= nowMs) {
      this.#wake();
      return;
    }
    if (this.#timer !== undefined && this.#timerAt === nextAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = nextAt;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#turn();
      },
      Math.min(TIMER_MS_MAX, Math.ceil(nextAt - nowMs)),
    );
  }

  #transmit(): void {
    if (this.#now < this.#pausedUntil) return;
    const held = this.#held;
    if (held !== undefined && !this.#send(held.transmit, held.from)) return;
    for (let count = 0; count < BATCHES_PER_TURN; count++) {
      const transmit = this.#endpoint.pollTransmit(this.#now);
      if (transmit === undefined || !this.#send(transmit, 0)) return;
    }
  }

  /** True when the socket took everything. What found its buffer full is held, and tried again after a pause. */
  #send(transmit: Transmit, from: number): boolean {
    const datagrams = transmit.datagrams.subarray(2 * from);
    const delays = transmit.delays.subarray(from);
    const settled = this.#options.socket.send({ ...transmit.to, bytes: transmit.bytes, datagrams, delays });
    this.#held = undefined;
    if (2 * settled >= datagrams.length) return true;
    this.#held = { transmit, from: from + settled };
    this.#pausedUntil = this.#now + SOCKET_PAUSE_MS;
    return false;
  }

  // ---- events ----------------------------------------------------------------------------------------------------------

  #takeEndpointEvents(): void {
    for (let event = this.#endpoint.pollEvent(); event !== undefined; event = this.#endpoint.pollEvent()) {
      if (event.kind === 'connected') this.#onConnected(event.connection);
      else if (event.kind === 'paths') this.#pursuit.onPaths(event.connection.peer);
      else this.#pursuit.onUnreachable(event.peer, event.to);
    }
  }

  #onConnected(connection: Connection): void {
    const open: OpenLink = { connection, openedAt: this.#now, events: undefined };
    this.#links.set(connection, open);
    this.#pursuit.onPaths(connection.peer);
    const { address, port } = connection.remote;
    this.#options.logger.info({ peer: hexOf(connection.peer), address, port }, 'peer connected');
    const link = this.#linkOf(connection);
    for (const listener of this.#listeners) {
      listener(link, (events) => {
        open.events = events;
        this.#wake();
      });
    }
  }

  #linkOf(connection: Connection): TransportLink {
    const wake = () => this.#wake();
    return {
      peer: connection.peer,
      payload: connection.payload,
      initiated: connection.initiated,
      get unacknowledgedBytes() {
        return connection.unacknowledgedBytes;
      },
      get unsentBytes() {
        return connection.unsentBytes;
      },
      get rateBytesPerMs() {
        return connection.rateBytesPerMs;
      },
      get windowBytes() {
        return connection.windowBytes;
      },
      get smoothedRtt() {
        return connection.smoothedRtt;
      },
      sendMessage(channel, bytes) {
        connection.sendMessage(channel, bytes);
        wake();
      },
      sendBlock(header, body) {
        connection.sendBlock(header, body);
        wake();
      },
      close(reason) {
        connection.close(reason);
        wake();
      },
    };
  }

  #takeLinkEvents(): void {
    for (const link of this.#links.values()) {
      // Without a listener the end is noticed all the same; the rest waits.
      while (link.events !== undefined) {
        const event = link.connection.pollEvent();
        if (event === undefined) break;
        this.#dispatch(event, link.events);
      }
      if (link.connection.closed && (link.events === undefined || !link.connection.hasEvents)) this.#onClosed(link);
    }
  }

  /** A listener may have made some for a link that had had its turn. */
  get #hasLinkEvents(): boolean {
    for (const { connection, events } of this.#links.values())
      if (events !== undefined && connection.hasEvents) return true;
    return false;
  }

  #dispatch(event: ConnectionEvent, events: TransportLinkEvents): void {
    if (event.kind === 'message') events.onMessage(event.channel, event.bytes);
    else if (event.kind === 'block') events.onBlock(event.header, event.body);
    else if (event.kind === 'drain') events.onDrain();
    else events.onClosed(event.reason);
  }

  #onClosed(link: OpenLink): void {
    const { connection } = link;
    this.#links.delete(connection);
    this.#options.logger.info({ peer: hexOf(connection.peer) }, 'peer disconnected');
    if (this.#endpoint.connectionTo(connection.peer) !== undefined) return; // replaced by a newer one
    this.#pursuit.onClosed(connection.peer);
  }
}
