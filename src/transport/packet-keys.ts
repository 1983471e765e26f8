// What one handshake gave a path: an index at either end and one chain of keys per direction, ratcheted every
// RATCHET_PACKETS packets. The numbers of a path go on from one handshake to the next and are never reused; counted from
// those that the handshake named, they say in full which key sealed them. The receiver keeps the previous, the current and
// the next key.

import type { AeadSuite, NativeAead } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { KEY_BYTES, RATCHET_PACKETS } from './constants.ts';
import { keyedHash, wipe } from './primitives.ts';

export type AeadFactory = (suite: AeadSuite, key: Uint8Array) => NativeAead;

export interface PacketKeyOptions {
  readonly suite: AeadSuite;
  readonly createAead: AeadFactory;
  /** What packets to this node and to the peer name. */
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** Numbers that packets of either direction begin with, or greater ones. */
  readonly sendFrom: number;
  readonly receiveFrom: number;
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
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly #ratchetPackets: number;
  readonly #options: PacketKeyOptions;
  #sendChain: Uint8Array;
  #sendEpoch = 0;
  #sendAead: NativeAead;
  #receiveChain: Uint8Array; // of the newest key derived
  #receiveEpoch = 0;
  #previous: NativeAead | undefined;
  #current: NativeAead;
  #next: NativeAead | undefined;
  destroyed = false;

  constructor(options: PacketKeyOptions) {
    this.#options = options;
    this.localIndex = options.localIndex;
    this.remoteIndex = options.remoteIndex;
    this.#ratchetPackets = options.ratchetPackets ?? RATCHET_PACKETS;
    this.#sendChain = options.sendKey;
    this.#receiveChain = options.receiveKey;
    this.#sendAead = this.#create(this.#sendChain);
    this.#current = this.#create(this.#receiveChain);
  }

  sendingEpochOf(number: number): number {
    return Math.floor((number - this.#options.sendFrom) / this.#ratchetPackets);
  }

  /** Negative, and so without a key, for a number of the handshakes before. */
  receivingEpochOf(number: number): number {
    return Math.floor((number - this.#options.receiveFrom) / this.#ratchetPackets);
  }

  /** Seals packets whose numbers all have the epoch `epoch`. */
  seal(epoch: number, bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): void {
    assert(epoch >= this.#sendEpoch, 'sending keys never go back');
    for (; this.#sendEpoch < epoch; this.#sendEpoch++) {
      this.#sendChain = nextChain(this.#sendChain);
      this.#sendAead.destroy();
      this.#sendAead = this.#create(this.#sendChain);
    }
    this.#sendAead.seal(bytes, packets, numbers);
  }

  /** Opens packets of one epoch; undefined when there is no key for it, or none any more: a path may end within a batch. */
  open(epoch: number, bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): Uint8Array | undefined {
    if (this.destroyed) return undefined;
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

  /** Zeroes all of them. Idempotent. */
  destroy(): void {
    this.destroyed = true;
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
