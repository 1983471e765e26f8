// What an initiation must pass before it costs a Diffie-Hellman: length, under load its turn among all, mac1, its
// address's bucket and, under load, a cookie (DESIGN §6). Then the handshake itself, the proof, the timestamp. Nothing
// is remembered of a sender before its static key is authentic and allowed.
import type { Random } from '../base/clock.ts';
import { AddressLimiter } from './address-limiter.ts';
import {
  COOKIE_NONCE_BYTES,
  COOKIE_PACKET_BYTES,
  DATAGRAM_BYTES_MIN,
  INITIATIONS_PER_SECOND_MAX,
  LOADED_INITIATIONS_BURST,
  LOADED_INITIATIONS_PER_SECOND_MAX,
  MAC_BYTES,
  PACKET_COOKIE,
  TIMESTAMPS_MAX,
} from './constants.ts';
import { CookieJar, macOf } from './cookie-jar.ts';
import type { CounterName } from './counters.ts';
import { type HandshakeIdentity, INITIATION_HEADER_BYTES, macKeyOf, Reception } from './handshake.ts';
import { hexOf, sameBytes } from './primitives.ts';
import type { SocketAddress } from './socket-address.ts';
import { TokenBucket } from './token-bucket.ts';

export type GateOutcome =
  | { readonly kind: 'dropped'; readonly reason: CounterName }
  | { readonly kind: 'cookie'; readonly answer: Uint8Array }
  | { readonly kind: 'passed'; readonly senderIndex: number; readonly reception: Reception };

const dropped = (reason: CounterName): GateOutcome => ({ kind: 'dropped', reason });

export class InitiationGate {
  readonly #identity: HandshakeIdentity;
  readonly #random: Random;
  readonly #macKey: Uint8Array;
  readonly #limiter = new AddressLimiter();
  readonly #cookies: CookieJar;
  readonly #timestamps = new Map<string, bigint>();
  readonly #loaded = new TokenBucket({
    perSecond: LOADED_INITIATIONS_PER_SECOND_MAX,
    burst: LOADED_INITIATIONS_BURST,
  });
  #secondStartedAt = Number.NEGATIVE_INFINITY;
  /** Initiations with a good mac1. */
  #thisSecond = 0;
  #secondBefore = 0;

  constructor(identity: HandshakeIdentity, random: Random) {
    this.#identity = identity;
    this.#random = random;
    this.#macKey = macKeyOf(identity.keyPair.publicKey);
    this.#cookies = new CookieJar(identity.keyPair.publicKey, random);
  }

  /** Addresses remembered, for tests of constant memory. */
  get addressCount(): number {
    return this.#limiter.size;
  }

  admit(datagram: Uint8Array, source: SocketAddress, nowMs: number): GateOutcome {
    if (datagram.length !== DATAGRAM_BYTES_MIN) return dropped('tooShort');
    if (this.#isLoaded(nowMs) && !this.#loaded.take(nowMs)) return dropped('overloaded');
    const mac1At = DATAGRAM_BYTES_MIN - 2 * MAC_BYTES;
    const mac2At = mac1At + MAC_BYTES;
    const mac1 = datagram.subarray(mac1At, mac2At);
    if (!sameBytes(macOf(this.#macKey, datagram.subarray(0, mac1At)), mac1)) return dropped('badMac1');
    if (!this.#limiter.allow(source.address, nowMs)) return dropped('rateLimited');
    const senderIndex = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4, true);
    this.#thisSecond += 1;
    if (this.#isLoaded(nowMs)) {
      const origin = `${source.address} ${source.port}`;
      const message = datagram.subarray(0, mac2At);
      const mac2 = datagram.subarray(mac2At);
      if (!this.#cookies.accepts({ source: origin, message, mac2, nowMs })) {
        return { kind: 'cookie', answer: this.#cookieReply(origin, { senderIndex, mac1, nowMs }) };
      }
    }
    const reception = Reception.read(this.#identity, datagram.subarray(INITIATION_HEADER_BYTES, mac1At));
    if (reception === 'bad-handshake') return dropped('badHandshake');
    if (reception === 'bad-proof') return dropped('badProof');
    const last = this.#timestamps.get(hexOf(reception.peer));
    if (last !== undefined && reception.timestamp <= last) return dropped('staleTimestamp');
    return { kind: 'passed', senderIndex, reception };
  }

  /** The peer is allowed: from now on older timestamps are refused. */
  remember(reception: Reception): void {
    const key = hexOf(reception.peer);
    this.#timestamps.delete(key);
    this.#timestamps.set(key, reception.timestamp);
    if (this.#timestamps.size <= TIMESTAMPS_MAX) return;
    for (const oldest of this.#timestamps.keys()) {
      this.#timestamps.delete(oldest);
      return;
    }
  }

  /** In this second or the one before: a flood that goes on gets no Diffie-Hellman at the start of each. */
  #isLoaded(nowMs: number): boolean {
    const elapsedMs = nowMs - this.#secondStartedAt;
    if (elapsedMs >= 1000) {
      this.#secondBefore = elapsedMs < 2000 ? this.#thisSecond : 0;
      this.#secondStartedAt = nowMs;
      this.#thisSecond = 0;
    }
    return Math.max(this.#secondBefore, this.#thisSecond) > INITIATIONS_PER_SECOND_MAX;
  }

  #cookieReply(origin: string, options: { senderIndex: number; mac1: Uint8Array; nowMs: number }): Uint8Array {
    const nonce = this.#random.bytes(COOKIE_NONCE_BYTES);
    const sealed = this.#cookies.seal({ source: origin, nonce, mac1: options.mac1, nowMs: options.nowMs });
    const answer = Buffer.alloc(COOKIE_PACKET_BYTES);
    answer[0] = PACKET_COOKIE;
    answer.writeUInt32LE(options.senderIndex, 4);
    answer.set(nonce, 8);
    answer.set(sealed, 8 + COOKIE_NONCE_BYTES);
    return answer;
  }
}
