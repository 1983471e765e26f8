// Cookies, as WireGuard has them: under load a responder answers an initiation with a cookie, sealed to the initiation's
// mac1, that proves the sender owns its address; the next initiation carries a mac2 keyed with it. No state per address:
// the cookie is a keyed hash of the address under a secret that changes every two minutes.
import type { Random } from '../base/clock.ts';
import { COOKIE_BYTES, COOKIE_SECRET_MS, KEY_BYTES, MAC_BYTES } from './constants.ts';
import { keyedHash, openSmall, plainHash, sameBytes, sealSmall } from './primitives.ts';

export const macOf = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  keyedHash(MAC_BYTES, key, 'PFT/1 mac', message);

const cookieKeyOf = (responderPublicKey: Uint8Array): Uint8Array =>
  plainHash(KEY_BYTES, 'PFT/1 cookie', responderPublicKey);

/** The initiator's side: undefined when the cookie was not made for this mac1. */
export const openCookie = (
  sealed: Uint8Array,
  options: { responder: Uint8Array; nonce: Uint8Array; mac1: Uint8Array },
): Uint8Array | undefined =>
  openSmall(sealed, { key: cookieKeyOf(options.responder), nonce: options.nonce, associated: options.mac1 });

export class CookieJar {
  readonly #key: Uint8Array;
  readonly #random: Random;
  #secret: Uint8Array;
  #previous: Uint8Array;
  #secretAtMs = Number.NEGATIVE_INFINITY;

  constructor(publicKey: Uint8Array, random: Random) {
    this.#key = cookieKeyOf(publicKey);
    this.#random = random;
    this.#secret = random.bytes(KEY_BYTES);
    this.#previous = random.bytes(KEY_BYTES);
  }

  seal(options: { source: string; nonce: Uint8Array; mac1: Uint8Array; nowMs: number }): Uint8Array {
    this.#rotate(options.nowMs);
    const cookie = keyedHash(COOKIE_BYTES, this.#secret, options.source);
    return sealSmall(cookie, { key: this.#key, nonce: options.nonce, associated: options.mac1 });
  }

  /** Whether mac2 was made with a cookie given to this source. */
  accepts(options: { source: string; message: Uint8Array; mac2: Uint8Array; nowMs: number }): boolean {
    this.#rotate(options.nowMs);
    return [this.#secret, this.#previous].some((secret) =>
      sameBytes(macOf(keyedHash(COOKIE_BYTES, secret, options.source), options.message), options.mac2),
    );
  }

  #rotate(nowMs: number): void {
    if (nowMs - this.#secretAtMs < COOKIE_SECRET_MS) return;
    this.#previous = this.#secret;
    this.#secret = this.#random.bytes(KEY_BYTES);
    this.#secretAtMs = nowMs;
  }
}
