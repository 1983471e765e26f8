// Blocks on their way out: which bytes were sent, lost and acknowledged. Bytes stay where the caller has them until they
// are copied into a datagram; the caller leaves them unchanged until the block is acknowledged. Blocks start in order,
// within the peer's window and not too far ahead of the first unacknowledged one; lost ranges go before new ones.
import { assert } from '../base/assert.ts';
import { BLOCKS_AHEAD_MAX } from './constants.ts';
import { RangeSet } from './range-set.ts';

export class OutgoingBlock {
  readonly id: number;
  /** Header length (2 bytes) and header. */
  readonly prefix: Uint8Array;
  readonly body: Uint8Array;
  readonly total: number;
  readonly acknowledged = new RangeSet();
  readonly lost = new RangeSet();
  acknowledgedBytes = 0;
  /** First byte never sent. */
  next = 0;

  constructor(id: number, header: Uint8Array, body: Uint8Array) {
    this.id = id;
    this.prefix = new Uint8Array(2 + header.length);
    this.prefix[0] = header.length & 0xff;
    this.prefix[1] = header.length >>> 8;
    this.prefix.set(header, 2);
    this.body = body;
    this.total = this.prefix.length + body.length;
  }

  /** Copies [offset, offset + length) of the block. */
  copy(offset: number, length: number, target: Uint8Array, at: number): void {
    const prefixLength = this.prefix.length;
    let done = 0;
    if (offset < prefixLength) {
      done = Math.min(length, prefixLength - offset);
      target.set(this.prefix.subarray(offset, offset + done), at);
    }
    if (done === length) return;
    const from = offset + done - prefixLength;
    target.set(this.body.subarray(from, from + length - done), at + done);
  }
}

export class OutgoingBlocks {
  readonly #live = new Map<number, OutgoingBlock>();
  /** Blocks not sent to their end yet, in order; before `#head` nothing is left, as a block is a mebibyte of memory. */
  #queue: (OutgoingBlock | undefined)[] = [];
  #head = 0;
  readonly #lossy = new Set<OutgoingBlock>();
  #nextId = 0;
  /** All before it are acknowledged. */
  #firstLive = 0;
  #openedBytes = 0;
  #limit = 0;
  #enqueuedBytes = 0;
  #sentBytes = 0;
  unacknowledgedBytes = 0;

  /** What `select` chose. */
  block: OutgoingBlock | undefined;
  offset = 0;
  length = 0;

  enqueue(header: Uint8Array, body: Uint8Array): void {
    assert(this.#nextId < 2 ** 32, 'a connection carries fewer than 2^32 blocks');
    const block = new OutgoingBlock(this.#nextId, header, body);
    this.#nextId += 1;
    this.#live.set(block.id, block);
    this.#queue.push(block);
    this.#enqueuedBytes += block.total;
    this.unacknowledgedBytes += block.total;
  }

  /** The peer accepts blocks up to this many bytes in all. */
  raiseLimit(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  /** Bytes beyond those acknowledged that the peer accepts. */
  get windowBytes(): number {
    return this.#limit - (this.#enqueuedBytes - this.unacknowledgedBytes);
  }

  /** Bytes that were in no packet yet. */
  get unsentBytes(): number {
    return this.#enqueuedBytes - this.#sentBytes;
  }

  get hasData(): boolean {
    return this.#lossy.size > 0 || this.#headMaySend();
  }

  /** Chooses what to send next, at most `bytesMax`, into block, offset and length; false when there is nothing. */
  select(bytesMax: number): boolean {
    for (const block of this.#lossy) {
      this.block = block;
      this.offset = block.lost.startAt(0);
      this.length = Math.min(bytesMax, block.lost.endAt(0) - this.offset);
      return true;
    }
    if (!this.#headMaySend()) return false;
    const block = this.#queue[this.#head];
    if (block === undefined) return false;
    this.block = block;
    this.offset = block.next;
    this.length = Math.min(bytesMax, block.total - block.next);
    return true;
  }

  #headMaySend(): boolean {
    const block = this.#queue[this.#head];
    if (block === undefined || block.next > 0) return block !== undefined;
    return this.#openedBytes + block.total <= this.#limit && block.id < this.#firstLive + BLOCKS_AHEAD_MAX;
  }

  /** What `select` chose has been put into a packet. */
  markSent(): void {
    const block = this.block;
    assert(block !== undefined, 'a block is selected before it is sent');
    if (this.offset < block.next) {
      block.lost.remove(this.offset, this.offset + this.length);
      if (block.lost.empty) this.#lossy.delete(block);
      return;
    }
    if (block.next === 0) this.#openedBytes += block.total;
    block.next += this.length;
    this.#sentBytes += this.length;
    if (block.next === block.total) this.#advance();
  }

  #advance(): void {
    this.#queue[this.#head] = undefined;
    this.#head += 1;
    if (this.#head < 256 && this.#head < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  onAcknowledged(id: number, offset: number, length: number): void {
    const block = this.#live.get(id);
    if (block === undefined) return;
    const fresh = block.acknowledged.add(offset, offset + length);
    block.acknowledgedBytes += fresh;
    this.unacknowledgedBytes -= fresh;
    if (!block.lost.empty) {
      block.lost.remove(offset, offset + length);
      if (block.lost.empty) this.#lossy.delete(block);
    }
    if (block.acknowledgedBytes < block.total) return;
    this.#live.delete(id);
    while (this.#firstLive < this.#nextId && !this.#live.has(this.#firstLive)) this.#firstLive += 1;
  }

  /** The range must go again, but for what arrived in another packet. */
  onLost(id: number, offset: number, length: number): void {
    const block = this.#live.get(id);
    if (block === undefined) return;
    block.lost.addExcept(offset, offset + length, block.acknowledged);
    if (!block.lost.empty) this.#lossy.add(block);
  }
}
