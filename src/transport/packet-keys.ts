// The keys of one connection: one chain per direction, ratcheted every RATCHET_PACKETS packets. Packet numbers are never
// reused, and they say in full which key sealed them. The receiver keeps the previous, the current and the next key.

import type { AeadSuite, NativeAead } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { KEY_BYTES, RATCHET_PACKETS } from './constants.ts';
import { keyedHash, wipe } from './primitives.ts';

export type AeadFactory = (suite: AeadSuite, key: Uint8Array) => NativeAead;

export interface PacketKeyOptions {
  readonly suite: AeadSuite;
  readonly createAead: AeadFactory;
  /** Chain keys; owned (and wiped) by the callee. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** RATCHET_PACKETS except in tests. */
  readonly ratchetPackets?: number;
}

const sealingKey = (chain: Uint8Array): Uint8Array => keyedHash(KEY_BYTES, chain, 'PFT/1 seal');

const nextChain = (chain: Uint8Array): Uint8Array => {
  const next = keyedHash(KEY_BYTES, chain, 'PFT/1 ratchet');
  wipe(chain);
  return next;
};

export class PacketKeys {
  readonly ratchetPackets: number;
  readonly #options: PacketKeyOptions;
  #sendChain: Uint8Array;
  #sendEpoch = 0;
  #sendAead: NativeAead;
  #receiveChain: Uint8Array; // of the newest key derived
  #receiveEpoch = 0;
  #previous: NativeAead | undefined;
  #current: NativeAead;
  #next: NativeAead | undefined;

  constructor(options: PacketKeyOptions) {
    this.#options = options;
    this.ratchetPackets = options.ratchetPackets ?? RATCHET_PACKETS;
    this.#sendChain = options.sendKey;
    this.#receiveChain = options.receiveKey;
    this.#sendAead = this.#create(this.#sendChain);
    this.#current = this.#create(this.#receiveChain);
  }

  epochOf(number: number): number {
    return Math.floor(number / this.ratchetPackets);
  }

  /** Seals packets whose numbers all have the epoch `epoch`. */
  seal(epoch: number, bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): void {
    assert(epoch === this.#sendEpoch || epoch === this.#sendEpoch + 1, 'sending keys advance one by one');
    if (epoch > this.#sendEpoch) {
      this.#sendChain = nextChain(this.#sendChain);
      this.#sendAead.destroy();
      this.#sendAead = this.#create(this.#sendChain);
      this.#sendEpoch = epoch;
    }
    this.#sendAead.seal(bytes, packets, numbers);
  }

  /** Opens packets of one epoch; undefined when there is no key for it. */
  open(epoch: number, bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): Uint8Array | undefined {
    return this.#aeadOf(epoch)?.open(bytes, packets, numbers);
  }

  /** An authentic packet of `epoch` arrived: the receiving keys move on. */
  confirm(epoch: number): void {
    if (epoch <= this.#receiveEpoch || this.#next === undefined) return;
    this.#previous?.destroy();
    this.#previous = this.#current;
    this.#current = this.#next;
    this.#next = undefined;
    this.#receiveEpoch = epoch;
  }

  destroy(): void {
    wipe(this.#sendChain);
    wipe(this.#receiveChain);
    this.#sendAead.destroy();
    this.#previous?.destroy();
    this.#current.destroy();
    this.#next?.destroy();
    this.#previous = undefined;
    this.#next = undefined;
  }

  #aeadOf(epoch: number): NativeAead | undefined {
    if (epoch === this.#receiveEpoch) return this.#current;
    if (epoch === this.#receiveEpoch - 1) return this.#previous;
    if (epoch !== this.#receiveEpoch + 1) return undefined;
    if (this.#next === undefined) {
      this.#receiveChain = nextChain(this.#receiveChain);
      this.#next = this.#create(this.#receiveChain);
    }
    return this.#next;
  }

  #create(chain: Uint8Array): NativeAead {
    const key = sealingKey(chain);
    const aead = this.#options.createAead(this.#options.suite, key);
    wipe(key);
    return aead;
  }
}
