// One channel on its way in: bytes are put where they belong in a buffer that begins at the first message not yet
// delivered; whole messages are cut off its front, in order, each once. The window bounds the buffer.
import { MESSAGE_BYTES_MAX } from '../base/limits.ts';
import { STREAM_WINDOW_BYTES } from './constants.ts';
import { RangeSet } from './range-set.ts';

const BUFFER_BYTES_MIN = 4096;
/** An empty buffer larger than this is given back. */
const BUFFER_BYTES_KEPT = 64 * 1024;

export class IncomingStream {
  #buffer = new Uint8Array(0);
  /** Stream offset of the buffer's first byte: the start of a message. */
  #base = 0;
  readonly #arrived = new RangeSet();
  #released = 0; // stream offset up to which the application is done
  #granted = STREAM_WINDOW_BYTES;

  get granted(): number {
    return this.#granted;
  }

  get limitIsDue(): boolean {
    return this.#released + STREAM_WINDOW_BYTES - this.#granted >= STREAM_WINDOW_BYTES / 4;
  }

  grant(): number {
    this.#granted = this.#released + STREAM_WINDOW_BYTES;
    return this.#granted;
  }

  /** The application is done with a message of this length. */
  release(messageLength: number): void {
    this.#released += 4 + messageLength;
  }

  /** Takes bytes at a stream offset; calls `deliver` for each message that is complete now. False: a violation. */
  receive(offset: number, data: Uint8Array, deliver: (message: Uint8Array) => void): boolean {
    const end = offset + data.length;
    if (data.length === 0 || end > this.#granted) return false;
    if (end <= this.#base) return true;
    const skipped = Math.max(0, this.#base - offset);
    if (this.#arrived.add(offset + skipped, end) === 0) return true;
    this.#reserve(end - this.#base);
    this.#buffer.set(data.subarray(skipped), offset + skipped - this.#base);
    return this.#deliver(deliver);
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    let size = Math.max(BUFFER_BYTES_MIN, this.#buffer.length);
    while (size < length) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#buffer);
    this.#buffer = grown;
  }

  #deliver(deliver: (message: Uint8Array) => void): boolean {
    if (this.#arrived.startAt(0) > this.#base) return true;
    const contiguous = this.#arrived.endAt(0) - this.#base;
    const view = new DataView(this.#buffer.buffer);
    let at = 0;
    while (contiguous - at >= 4) {
      const length = view.getUint32(at, true);
      if (length > MESSAGE_BYTES_MAX) return false;
      if (contiguous - at < 4 + length) break;
      deliver(this.#buffer.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    if (at > 0) this.#shift(at);
    return true;
  }

  /** Drops the front; what lies behind it moves up. */
  #shift(length: number): void {
    this.#arrived.remove(this.#base, this.#base + length);
    this.#base += length;
    if (this.#arrived.empty) {
      if (this.#buffer.length > BUFFER_BYTES_KEPT) this.#buffer = new Uint8Array(0);
      return;
    }
    const used = this.#arrived.endAt(this.#arrived.count - 1) - this.#base;
    this.#buffer.copyWithin(0, length, length + used);
  }
}
