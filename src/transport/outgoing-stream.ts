// One channel on its way out: an ordered stream of bytes made of messages, each behind its length (4 bytes,
// little-endian). Messages are referenced, not copied, until they are put into a packet, and dropped once acknowledged.
import { RangeSet } from './range-set.ts';

/** Shorter messages are joined with their length, to be copied in one go. */
const JOINED_BYTES_MAX = 1024;

export class OutgoingStream {
  /** Pieces and the stream offset of each; those before `#head` are acknowledged. */
  #pieces: Uint8Array[] = [];
  #starts: number[] = [];
  #head = 0;
  #end = 0;
  #sent = 0;
  #limit = 0;
  readonly #acknowledged = new RangeSet();
  readonly #lost = new RangeSet();
  unacknowledgedBytes = 0;

  /** What `select` chose. */
  offset = 0;
  length = 0;

  enqueue(message: Uint8Array): void {
    const joined = message.length <= JOINED_BYTES_MAX;
    const first = new Uint8Array(joined ? 4 + message.length : 4);
    new DataView(first.buffer).setUint32(0, message.length, true);
    if (joined) first.set(message, 4);
    this.#push(first);
    if (!joined) this.#push(message);
  }

  #push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#starts.push(this.#end);
    this.#end += piece.length;
    this.unacknowledgedBytes += piece.length;
  }

  /** The peer accepts the stream up to this offset. */
  raiseLimit(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  get hasData(): boolean {
    return !this.#lost.empty || this.#sent < Math.min(this.#end, this.#limit);
  }

  /** Chooses what to send next into offset and length; false when there is nothing. */
  select(bytesMax: number): boolean {
    if (!this.#lost.empty) {
      this.offset = this.#lost.startAt(0);
      this.length = Math.min(bytesMax, this.#lost.endAt(0) - this.offset);
      return true;
    }
    this.offset = this.#sent;
    this.length = Math.min(bytesMax, Math.min(this.#end, this.#limit) - this.#sent);
    return this.length > 0;
  }

  markSent(): void {
    if (this.offset < this.#sent) this.#lost.remove(this.offset, this.offset + this.length);
    else this.#sent += this.length;
  }

  /** Copies the selected bytes. */
  copy(target: Uint8Array, at: number): void {
    let index = this.#pieceAt(this.offset);
    let done = 0;
    while (done < this.length) {
      const piece = this.#pieces[index];
      if (piece === undefined) return;
      const from = this.offset + done - (this.#starts[index] ?? 0);
      const count = Math.min(this.length - done, piece.length - from);
      target.set(piece.subarray(from, from + count), at + done);
      done += count;
      index += 1;
    }
  }

  #pieceAt(offset: number): number {
    let low = this.#head;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  onAcknowledged(offset: number, length: number): void {
    this.unacknowledgedBytes -= this.#acknowledged.add(offset, offset + length);
    if (!this.#lost.empty) this.#lost.remove(offset, offset + length);
    this.#dropAcknowledged();
  }

  /** The range must go again, but for what arrived in another packet: that is not here any more. */
  onLost(offset: number, length: number): void {
    this.#lost.addExcept(offset, offset + length, this.#acknowledged);
  }

  #dropAcknowledged(): void {
    const settled = this.#acknowledged.startAt(0) === 0 ? this.#acknowledged.endAt(0) : 0;
    while (this.#head < this.#pieces.length) {
      const length = this.#pieces[this.#head]?.length ?? 0;
      if ((this.#starts[this.#head] ?? 0) + length > settled) break;
      this.#pieces[this.#head] = EMPTY;
      this.#head += 1;
    }
    if (this.#head < 256 && this.#head < this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#head);
    this.#starts = this.#starts.slice(this.#head);
    this.#head = 0;
  }
}

const EMPTY = new Uint8Array(0);
