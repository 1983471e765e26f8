// Consecutive data packets of one received batch that are addressed to one connection, in the shape in which they are
// opened together. Reused from group to group.

import { HEADER_BYTES } from './constants.ts';
import type { SocketAddress } from './socket-address.ts';

export const GROUP_PACKETS_MAX = 512;
const MICROSECONDS_PER_MS = 1000;

export class PacketGroup {
  bytes: Uint8Array = new Uint8Array(0);
  #sources: readonly SocketAddress[] = [];
  readonly #packets = new Uint32Array(3 * GROUP_PACKETS_MAX);
  readonly #numbers = new BigUint64Array(GROUP_PACKETS_MAX);
  readonly #numberWords = new Uint32Array(this.#numbers.buffer);
  readonly #sourceIndexes = new Uint32Array(GROUP_PACKETS_MAX);
  readonly #ages = new Uint32Array(GROUP_PACKETS_MAX);
  count = 0;

  begin(bytes: Uint8Array, sources: readonly SocketAddress[]): void {
    this.bytes = bytes;
    this.#sources = sources;
    this.count = 0;
  }

  get full(): boolean {
    return this.count === GROUP_PACKETS_MAX;
  }

  push(packet: {
    offset: number;
    bodyLength: number;
    numberLow: number;
    numberHigh: number;
    source: number;
    age: number;
  }): void {
    const index = this.count;
    this.#packets[3 * index] = packet.offset;
    this.#packets[3 * index + 1] = HEADER_BYTES;
    this.#packets[3 * index + 2] = packet.bodyLength;
    this.#numberWords[2 * index] = packet.numberLow;
    this.#numberWords[2 * index + 1] = packet.numberHigh;
    this.#sourceIndexes[index] = packet.source;
    this.#ages[index] = packet.age;
    this.count += 1;
  }

  offsetAt(index: number): number {
    return this.#packets[3 * index] ?? 0;
  }

  bodyLengthAt(index: number): number {
    return this.#packets[3 * index + 2] ?? 0;
  }

  numberAt(index: number): number {
    return (this.#numberWords[2 * index] ?? 0) + (this.#numberWords[2 * index + 1] ?? 0) * 0x1_0000_0000;
  }

  /** Milliseconds since it arrived. */
  ageAt(index: number): number {
    return (this.#ages[index] ?? 0) / MICROSECONDS_PER_MS;
  }

  sourceAt(index: number): SocketAddress {
    return this.#sources[this.#sourceIndexes[index] ?? 0] ?? { address: '', port: 0 };
  }

  packets(from: number, to: number): Uint32Array {
    return this.#packets.subarray(3 * from, 3 * to);
  }

  numbers(from: number, to: number): BigUint64Array {
    return this.#numbers.subarray(from, to);
  }
}
