// Frames inside a data packet: writing them into a datagram and reading them back (docs/format/transport.md, Frames).
// Reading never throws: a malformed frame ends it with a result. A data frame (STREAM, CHUNK) is the last of its packet
// and has no length field: it extends to the packet's end.
import { ACKNOWLEDGED_RANGES_MAX, CLOSE_REASON_BYTES_MAX } from './constants.ts';
import type { Acknowledgement } from './loss-recovery.ts';
import type { RangeSet } from './range-set.ts';

export const FRAME_PADDING = 0x00;
export const FRAME_PING = 0x01;
export const FRAME_ACK = 0x02;
export const FRAME_LIMIT = 0x03;
export const FRAME_CLOSE = 0x04;
export const FRAME_STREAM_CONTROL = 0x08;
export const FRAME_STREAM_OPERATIONS = 0x09;
export const FRAME_CHUNK = 0x0a;

export const STREAM_FRAME_BYTES = 7;
export const CHUNK_FRAME_BYTES = 11;
export const LIMIT_FRAME_BYTES = 8;
const ACK_FRAME_BYTES_MIN = 11;
const VARINT_BYTES_MAX = 7;
/** Acknowledgement delays travel in sixteenths of a millisecond. */
const DELAY_UNITS_PER_MS = 16;
const DELAY_UNITS_MAX = 0xffff;

/** What a LIMIT frame raises. */
export type LimitKind = 0 | 1 | 2;
export const LIMIT_BLOCKS: LimitKind = 0;
export const LIMIT_CONTROL: LimitKind = 1;
export const LIMIT_OPERATIONS: LimitKind = 2;

export type StreamChannel = 'control' | 'operations';

export interface FrameSink {
  /** Each returns false when the frame breaks a rule; `data` and the acknowledgement are only valid during the call. */
  onAcknowledgement(acknowledgement: Acknowledgement): boolean;
  onLimit(kind: LimitKind, limit: number): boolean;
  onStream(channel: StreamChannel, offset: number, data: Uint8Array): boolean;
  onChunk(chunk: { id: number; total: number; offset: number }, data: Uint8Array): boolean;
  onClose(reason: string): boolean;
}

export type FramesOutcome = 'eliciting' | 'silent' | 'malformed';

const writeUint48 = (bytes: Uint8Array, at: number, value: number): void => {
  const high = Math.floor(value / 0x1_0000_0000);
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = (value >>> 24) & 0xff;
  bytes[at + 4] = high & 0xff;
  bytes[at + 5] = (high >>> 8) & 0xff;
};

const readUint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);

const readUint32 = (bytes: Uint8Array, at: number): number =>
  (readUint24(bytes, at) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;

const readUint48 = (bytes: Uint8Array, at: number): number =>
  readUint32(bytes, at) + ((bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8)) * 0x1_0000_0000;

const varintBytes = (value: number): number => {
  let count = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) count += 1;
  return count;
};

const writeVarint = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value;
  let position = at;
  while (rest >= 128) {
    bytes[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[position++] = rest;
  return position;
};

// ---- writing: each returns the position after the frame ------------------------------------------------------------

/** ACK of the newest ranges that fit before `end`; returns `at` when not even the smallest fits. */
export const writeAcknowledgement = (
  bytes: Uint8Array,
  span: { at: number; end: number },
  ranges: RangeSet,
  delayMs: number,
): number => {
  const newest = ranges.count - 1;
  if (newest < 0 || span.end - span.at < ACK_FRAME_BYTES_MIN + VARINT_BYTES_MAX) return span.at;
  const largest = ranges.endAt(newest) - 1;
  bytes[span.at] = FRAME_ACK;
  writeUint48(bytes, span.at + 1, largest);
  const delay = Math.min(DELAY_UNITS_MAX, Math.max(0, Math.round(delayMs * DELAY_UNITS_PER_MS)));
  bytes[span.at + 7] = delay & 0xff;
  bytes[span.at + 8] = delay >>> 8;
  let position = writeVarint(bytes, span.at + 10, largest - ranges.startAt(newest));
  let more = 0;
  for (let index = newest - 1; index >= 0 && more < ACKNOWLEDGED_RANGES_MAX - 1; index--) {
    const gap = ranges.startAt(index + 1) - ranges.endAt(index) - 1;
    const length = ranges.endAt(index) - ranges.startAt(index) - 1;
    if (position + varintBytes(gap) + varintBytes(length) > span.end) break;
    position = writeVarint(bytes, position, gap);
    position = writeVarint(bytes, position, length);
    more += 1;
  }
  bytes[span.at + 9] = more;
  return position;
};

export const writeLimit = (bytes: Uint8Array, at: number, kind: LimitKind, limit: number): number => {
  bytes[at] = FRAME_LIMIT;
  bytes[at + 1] = kind;
  writeUint48(bytes, at + 2, limit);
  return at + LIMIT_FRAME_BYTES;
};

export const writeStreamHeader = (bytes: Uint8Array, at: number, channel: StreamChannel, offset: number): number => {
  bytes[at] = channel === 'control' ? FRAME_STREAM_CONTROL : FRAME_STREAM_OPERATIONS;
  writeUint48(bytes, at + 1, offset);
  return at + STREAM_FRAME_BYTES;
};

export const writeChunkHeader = (
  bytes: Uint8Array,
  at: number,
  chunk: { id: number; total: number; offset: number },
): number => {
  const { id, total, offset } = chunk;
  bytes[at] = FRAME_CHUNK;
  bytes[at + 1] = id & 0xff;
  bytes[at + 2] = (id >>> 8) & 0xff;
  bytes[at + 3] = (id >>> 16) & 0xff;
  bytes[at + 4] = id >>> 24;
  bytes[at + 5] = total & 0xff;
  bytes[at + 6] = (total >>> 8) & 0xff;
  bytes[at + 7] = (total >>> 16) & 0xff;
  bytes[at + 8] = offset & 0xff;
  bytes[at + 9] = (offset >>> 8) & 0xff;
  bytes[at + 10] = (offset >>> 16) & 0xff;
  return at + CHUNK_FRAME_BYTES;
};

export const writeClose = (bytes: Uint8Array, at: number, reason: string): number => {
  const target = bytes.subarray(at + 2, at + 2 + CLOSE_REASON_BYTES_MAX);
  const { written } = new TextEncoder().encodeInto(reason, target);
  bytes[at] = FRAME_CLOSE;
  bytes[at + 1] = written;
  return at + 2 + written;
};

// ---- reading ---------------------------------------------------------------------------------------------------------

/** Reads the frames in [from, to) into the sink. */
export class FrameReader {
  readonly #ranges = new Float64Array(2 * ACKNOWLEDGED_RANGES_MAX);
  #position = 0;
  readonly #chunk = { id: 0, total: 0, offset: 0 };

  read(bytes: Uint8Array, from: number, to: number, sink: FrameSink): FramesOutcome {
    if (from >= to) return 'malformed';
    let outcome: FramesOutcome = 'silent';
    this.#position = from;
    while (this.#position < to) {
      const type = bytes[this.#position] ?? FRAME_PADDING;
      if (type !== FRAME_PADDING && type !== FRAME_ACK && type !== FRAME_CLOSE) outcome = 'eliciting';
      if (!this.#readFrame(type, bytes, to, sink)) return 'malformed';
    }
    return outcome;
  }

  #readFrame(type: number, bytes: Uint8Array, to: number, sink: FrameSink): boolean {
    const at = this.#position;
    switch (type) {
      case FRAME_CHUNK: {
        if (at + CHUNK_FRAME_BYTES >= to) return false;
        this.#chunk.id = readUint32(bytes, at + 1);
        this.#chunk.total = readUint24(bytes, at + 5);
        this.#chunk.offset = readUint24(bytes, at + 8);
        this.#position = to;
        return sink.onChunk(this.#chunk, bytes.subarray(at + CHUNK_FRAME_BYTES, to));
      }
      case FRAME_STREAM_CONTROL:
      case FRAME_STREAM_OPERATIONS: {
        if (at + STREAM_FRAME_BYTES >= to) return false;
        this.#position = to;
        const channel = type === FRAME_STREAM_CONTROL ? 'control' : 'operations';
        return sink.onStream(channel, readUint48(bytes, at + 1), bytes.subarray(at + STREAM_FRAME_BYTES, to));
      }
      case FRAME_ACK:
        return this.#readAcknowledgement(bytes, to, sink);
      case FRAME_LIMIT: {
        if (at + LIMIT_FRAME_BYTES > to) return false;
        this.#position = at + LIMIT_FRAME_BYTES;
        const kind = bytes[at + 1];
        if (kind !== LIMIT_BLOCKS && kind !== LIMIT_CONTROL && kind !== LIMIT_OPERATIONS) return false;
        return sink.onLimit(kind, readUint48(bytes, at + 2));
      }
      case FRAME_CLOSE: {
        const length = bytes[at + 1] ?? 0;
        if (at + 2 + length > to || length > CLOSE_REASON_BYTES_MAX) return false;
        this.#position = at + 2 + length;
        return sink.onClose(new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + length)));
      }
      case FRAME_PING:
        this.#position = at + 1;
        return true;
      case FRAME_PADDING:
        while (this.#position < to && bytes[this.#position] === FRAME_PADDING) this.#position += 1;
        return this.#position === to;
      default:
        return false;
    }
  }

  #readAcknowledgement(bytes: Uint8Array, to: number, sink: FrameSink): boolean {
    const at = this.#position;
    if (at + ACK_FRAME_BYTES_MIN > to) return false;
    const largest = readUint48(bytes, at + 1);
    const delayMs = ((bytes[at + 7] ?? 0) | ((bytes[at + 8] ?? 0) << 8)) / DELAY_UNITS_PER_MS;
    const more = bytes[at + 9] ?? 0;
    if (more > ACKNOWLEDGED_RANGES_MAX - 1) return false;
    this.#position = at + 10;
    let low = largest - this.#readVarint(bytes, to);
    this.#ranges[0] = low;
    this.#ranges[1] = largest;
    for (let index = 1; index <= more && low >= 0; index++) {
      const high = low - 2 - this.#readVarint(bytes, to);
      low = high - this.#readVarint(bytes, to);
      this.#ranges[2 * index] = low;
      this.#ranges[2 * index + 1] = high;
    }
    // A varint that was cut short made `low` not a number.
    if (!(low >= 0)) return false;
    return sink.onAcknowledgement({ ranges: this.#ranges, rangeCount: more + 1, delayMs });
  }

  #readVarint(bytes: Uint8Array, to: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX && this.#position < to; count++) {
      const byte = bytes[this.#position++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    return Number.NaN;
  }
}
