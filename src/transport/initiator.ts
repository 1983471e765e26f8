// Attempts to connect: each repeats its initiation, with a fresh ephemeral key and timestamp, until it is answered or
// given up. The last few initiations stay answerable, so that a round trip longer than the retry interval works.
import type { Random } from '../base/clock.ts';
import type { Nanoseconds } from '../base/units.ts';
import {
  ATTEMPT_MS,
  COOKIE_NONCE_BYTES,
  COOKIE_PACKET_BYTES,
  COOKIE_SECRET_MS,
  DATAGRAM_BYTES_MIN,
  INITIATION_FIRST_RETRY_MS,
  INITIATION_RETRY_MS,
  KEY_BYTES,
  MAC_BYTES,
  PACKET_INITIATION,
  SIMULTANEOUS_OPEN_MS,
} from './constants.ts';
import { macOf, openCookie } from './cookie-jar.ts';
import {
  type HandshakeIdentity,
  INITIATION_HEADER_BYTES,
  Initiation,
  macKeyOf,
  type PathRequest,
} from './handshake.ts';
import { hexOf } from './primitives.ts';
import { type SocketAddress, samePlace } from './socket-address.ts';

/** Initiations of one attempt that may still be answered. */
const ANSWERABLE_MAX = 4;

export interface ConnectRequest {
  readonly peer: Uint8Array;
  readonly to: SocketAddress;
  /** Opaque bytes for the peer's `authorize`, an invitation token for instance. */
  readonly payload: Uint8Array;
}

interface SentInitiation {
  readonly index: number;
  readonly initiation: Initiation;
  readonly mac1: Uint8Array;
  readonly sentAt: number;
}

interface AttemptRequest extends ConnectRequest {
  /** Whether a connection is to be opened, not a path of one. */
  readonly opens: boolean;
}

interface Attempt {
  readonly request: AttemptRequest;
  readonly startedAt: number;
  /** Those that may still be answered. */
  readonly sent: SentInitiation[];
  sentCount: number;
  retryAt: number;
  cookie: Uint8Array | undefined;
  cookieAt: number;
}

export interface InitiatorOptions {
  readonly identity: HandshakeIdentity;
  readonly random: Random;
  readonly wall: () => Nanoseconds;
  readonly suites: number;
  /** Reserves an index that no connection has. */
  readonly allocateIndex: () => number;
  readonly resetTokenOf: (index: number) => Uint8Array;
  /** What an initiation sent now asks for. */
  readonly pathRequestOf: (request: ConnectRequest) => PathRequest;
}

export class Initiator {
  readonly #options: InitiatorOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #byIndex = new Map<number, Attempt>();
  #lastTimestamp = 0n;

  constructor(options: InitiatorOptions) {
    this.#options = options;
  }

  has(peer: Uint8Array): boolean {
    return this.#attempts.has(hexOf(peer));
  }

  /** Whether the attempt, if any, is to open a connection. */
  opens(peer: Uint8Array): boolean {
    return this.#attempts.get(hexOf(peer))?.request.opens === true;
  }

  /** Whether the attempt, if any, is to reach the peer there. */
  isFor(peer: Uint8Array, to: SocketAddress): boolean {
    const request = this.#attempts.get(hexOf(peer))?.request;
    return request !== undefined && samePlace(request.to, to);
  }

  hasIndex(index: number): boolean {
    return this.#byIndex.has(index);
  }

  /** Whether our attempt is so young that a crossing one is settled by key order. */
  isFresh(peer: Uint8Array, nowMs: number): boolean {
    const attempt = this.#attempts.get(hexOf(peer));
    return attempt?.request.opens === true && nowMs - attempt.startedAt < SIMULTANEOUS_OPEN_MS;
  }

  start(request: AttemptRequest, nowMs: number): void {
    this.cancel(request.peer);
    this.#attempts.set(hexOf(request.peer), {
      request,
      startedAt: nowMs,
      sent: [],
      sentCount: 0,
      retryAt: nowMs,
      cookie: undefined,
      cookieAt: 0,
    });
  }

  cancel(peer: Uint8Array): void {
    const key = hexOf(peer);
    const attempt = this.#attempts.get(key);
    if (attempt === undefined) return;
    for (const { index } of attempt.sent) this.#byIndex.delete(index);
    this.#attempts.delete(key);
  }

  get timeoutAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const attempt of this.#attempts.values()) earliest = Math.min(earliest, attempt.retryAt);
    return earliest;
  }

  /** Sends what is due; returns the requests that are given up. */
  handleTimeout(nowMs: number, send: (datagram: Uint8Array, to: SocketAddress) => void): ConnectRequest[] {
    const failed: ConnectRequest[] = [];
    for (const attempt of this.#attempts.values()) {
      if (nowMs < attempt.retryAt) continue;
      if (nowMs - attempt.startedAt >= ATTEMPT_MS) failed.push(attempt.request);
      else this.#send(attempt, nowMs, send);
    }
    for (const request of failed) this.cancel(request.peer);
    return failed;
  }

  #send(attempt: Attempt, nowMs: number, send: (datagram: Uint8Array, to: SocketAddress) => void): void {
    const { identity, random, suites } = this.#options;
    const { peer, payload, to } = attempt.request;
    const index = this.#options.allocateIndex();
    const initiation = new Initiation(identity, {
      peer,
      ephemeralSecret: random.bytes(KEY_BYTES),
      timestamp: this.#timestamp(),
      suites,
      resetToken: this.#options.resetTokenOf(index),
      request: this.#options.pathRequestOf(attempt.request),
      payload,
    });
    const datagram = Buffer.alloc(DATAGRAM_BYTES_MIN);
    datagram[0] = PACKET_INITIATION;
    datagram.writeUInt32LE(index, 4);
    datagram.set(initiation.message, INITIATION_HEADER_BYTES);
    const mac1At = DATAGRAM_BYTES_MIN - 2 * MAC_BYTES;
    const mac1 = macOf(macKeyOf(peer), datagram.subarray(0, mac1At));
    datagram.set(mac1, mac1At);
    if (attempt.cookie !== undefined && nowMs - attempt.cookieAt < COOKIE_SECRET_MS) {
      const mac2At = mac1At + MAC_BYTES;
      datagram.set(macOf(attempt.cookie, datagram.subarray(0, mac2At)), mac2At);
    }
    attempt.sent.push({ index, initiation, mac1, sentAt: nowMs });
    this.#byIndex.set(index, attempt);
    if (attempt.sent.length > ANSWERABLE_MAX) {
      const oldest = attempt.sent.shift();
      if (oldest !== undefined) this.#byIndex.delete(oldest.index);
    }
    attempt.retryAt = nowMs + (attempt.sentCount === 0 ? INITIATION_FIRST_RETRY_MS : INITIATION_RETRY_MS);
    attempt.sentCount += 1;
    send(datagram, to);
  }

  /** Wall time, but never twice the same and never backwards. */
  #timestamp(): bigint {
    const wall: bigint = this.#options.wall();
    this.#lastTimestamp = wall > this.#lastTimestamp ? wall : this.#lastTimestamp + 1n;
    return this.#lastTimestamp;
  }

  /** Takes the initiation that an answer names out of its attempt: it can be answered once. */
  take(index: number): { request: ConnectRequest; initiation: Initiation; sentAt: number } | undefined {
    const attempt = this.#byIndex.get(index);
    const position = attempt?.sent.findIndex((sent) => sent.index === index) ?? -1;
    const sent = attempt?.sent[position];
    if (attempt === undefined || sent === undefined) return undefined;
    attempt.sent.splice(position, 1);
    this.#byIndex.delete(index);
    return { request: attempt.request, initiation: sent.initiation, sentAt: sent.sentAt };
  }

  /** A cookie reply: the next initiation will carry the cookie. */
  onCookie(datagram: Uint8Array, index: number, nowMs: number): boolean {
    const attempt = this.#byIndex.get(index);
    const sent = attempt?.sent.find((candidate) => candidate.index === index);
    if (attempt === undefined || sent === undefined || datagram.length !== COOKIE_PACKET_BYTES) return false;
    const nonce = datagram.slice(8, 8 + COOKIE_NONCE_BYTES);
    const sealed = datagram.slice(8 + COOKIE_NONCE_BYTES);
    const cookie = openCookie(sealed, { responder: attempt.request.peer, nonce, mac1: sent.mac1 });
    if (cookie === undefined) return false;
    attempt.cookie = cookie;
    attempt.cookieAt = nowMs;
    return true;
  }
}
