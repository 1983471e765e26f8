// Datagrams on their way to the socket: one connection's turn of packets, built back to back, sealed in one call. The
// buffers are reused: what is in the batch is valid until the next one is filled.
import { assert } from '../base/assert.ts';
import { DATAGRAM_BYTES_MAX, HEADER_BYTES, TAG_BYTES, TRANSMIT_BYTES_MAX, TRANSMIT_PACKETS_MAX } from './constants.ts';
import type { PacketKeys } from './packet-keys.ts';
import type { SocketAddress } from './socket-address.ts';

const MICROSECONDS_PER_MS = 1000;

/** Datagrams for one destination, valid until the next call of pollTransmit. */
export interface Transmit {
  readonly to: SocketAddress;
  readonly bytes: Uint8Array;
  /** Flat [offset, length] pairs. */
  readonly datagrams: Uint32Array;
  /** How long each waits before it departs, in microseconds from the time given to pollTransmit; never decreasing. */
  readonly delays: Uint32Array;
}

export class TransmitBatch {
  readonly bytes = new Uint8Array(TRANSMIT_BYTES_MAX);
  readonly #datagrams = new Uint32Array(2 * TRANSMIT_PACKETS_MAX);
  readonly #delays = new Uint32Array(TRANSMIT_PACKETS_MAX);
  readonly #packets = new Uint32Array(3 * TRANSMIT_PACKETS_MAX);
  readonly #numbers = new BigUint64Array(TRANSMIT_PACKETS_MAX);
  readonly #numberWords = new Uint32Array(this.#numbers.buffer);
  count = 0;
  used = 0;

  clear(): void {
    this.count = 0;
    this.used = 0;
  }

  get hasRoom(): boolean {
    return this.count < TRANSMIT_PACKETS_MAX && this.used + DATAGRAM_BYTES_MAX <= this.bytes.length;
  }

  /** The batch as it leaves; valid until the next one is filled. */
  transmitTo(to: SocketAddress): Transmit {
    const datagrams = this.#datagrams.subarray(0, 2 * this.count);
    return { to, bytes: this.bytes, datagrams, delays: this.#delays.subarray(0, this.count) };
  }

  /** A datagram that needs no sealing, and does not wait. */
  pushPlain(datagram: Uint8Array): void {
    this.bytes.set(datagram, this.used);
    this.#push(datagram.length, 0);
  }

  /**
   * A packet whose header and body (of `bodyLength` bytes) lie at `used`, and which departs after `delayMs`; room for its
   * tag follows.
   */
  pushPacket(number: number, bodyLength: number, delayMs: number): void {
    this.#packets[3 * this.count] = this.used;
    this.#packets[3 * this.count + 1] = HEADER_BYTES;
    this.#packets[3 * this.count + 2] = bodyLength;
    this.#numberWords[2 * this.count] = number >>> 0;
    this.#numberWords[2 * this.count + 1] = Math.floor(number / 0x1_0000_0000);
    this.#push(HEADER_BYTES + bodyLength + TAG_BYTES, delayMs);
  }

  #push(length: number, delayMs: number): void {
    assert(this.used + length <= this.bytes.length, 'a datagram fits its batch');
    this.#datagrams[2 * this.count] = this.used;
    this.#datagrams[2 * this.count + 1] = length;
    this.#delays[this.count] = Math.round(delayMs * MICROSECONDS_PER_MS);
    this.used += length;
    this.count += 1;
  }

  /** Seals all packets, which share one key epoch. */
  seal(keys: PacketKeys, epoch: number): void {
    keys.seal(epoch, this.bytes, this.#packets.subarray(0, 3 * this.count), this.#numbers.subarray(0, this.count));
  }
}
