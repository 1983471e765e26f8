// Writes protobuf messages field by field, for what is encoded with every request or thousands of times in a commit:
// protobufjs wants an object per message and a Long per 64-bit field. The bytes are those that protobufjs makes: fields
// in the order of their numbers, defaults left out but in optional fields (a test holds both together).

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const CONTINUES = 0x80;
const LOW_BITS = 0x7f;
const INITIAL_BYTES = 4096;
/** Longer than any tag, number or length of one. */
const NUMBER_BYTES_MAX = 32;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export class MessageWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  /** What was written, copied; the writer begins anew. */
  finish(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.#length);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }

  uint32(field: number, value: number): void {
    if (value !== 0) this.optionalUint32(field, value);
  }

  optionalUint32(field: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  uint64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#tag(field, VARINT);
    this.rawUint64(value);
  }

  /** For sfixed64 too: negative values as their complement. */
  fixed64(field: number, value: bigint): void {
    if (value !== 0n) this.optionalFixed64(field, value);
  }

  optionalFixed64(field: number, value: bigint | undefined): void {
    if (value === undefined) return;
    this.#tag(field, FIXED64);
    this.rawFixed64(value);
  }

  sint64(field: number, value: bigint): void {
    if (value !== 0n) this.optionalSint64(field, value);
  }

  optionalSint64(field: number, value: bigint | undefined): void {
    if (value === undefined) return;
    this.#tag(field, VARINT);
    this.rawSint64(value);
  }

  /** An sint64 of at most 52 bits. */
  sint52(field: number, value: number): void {
    if (value === 0) return;
    this.#tag(field, VARINT);
    this.#varint(value > 0 ? value * 2 : value * -2 - 1);
  }

  bool(field: number, value: boolean): void {
    if (value) this.optionalUint32(field, 1);
  }

  bytes(field: number, value: Uint8Array | undefined): void {
    if (value === undefined || value.length === 0) return;
    this.element(field, value);
  }

  /** Of a repeated field: also when it is empty. */
  element(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A message or packed field: what is written until `end` is in it. */
  begin(field: number): number {
    this.#tag(field, LENGTH_DELIMITED);
    this.#length += 1; // its length, where it is below 128
    return this.#length;
  }

  end(start: number): void {
    const length = this.#length - start;
    if (length < CONTINUES) {
      this.#bytes[start - 1] = length;
      return;
    }
    const more = varintBytes(length) - 1;
    this.#reserve(more);
    this.#bytes.copyWithin(start + more, start, this.#length);
    this.#length = start - 1;
    this.#varint(length);
    this.#length += length;
  }

  /** A repeated field of numbers, each written by one of the methods below; left out when there are none. */
  packed<Value>(field: number, values: Iterable<Value>, write: (value: Value) => void): void {
    const restart = this.#length;
    const start = this.begin(field);
    for (const value of values) write(value);
    if (this.#length === start) this.#length = restart;
    else this.end(start);
  }

  /** One value of a packed field. */
  rawUint64(value: bigint): void {
    if (value <= SAFE_MAX) {
      this.#varint(Number(value));
      return;
    }
    this.#reserve(NUMBER_BYTES_MAX);
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 127n) | CONTINUES;
    this.#bytes[this.#length++] = Number(rest);
  }

  rawSint64(value: bigint): void {
    this.rawUint64(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  rawFixed64(value: bigint): void {
    this.#reserve(NUMBER_BYTES_MAX);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
    this.#reserve(NUMBER_BYTES_MAX);
  }

  #varint(value: number): void {
    this.#reserve(NUMBER_BYTES_MAX);
    let rest = value;
    while (rest >= CONTINUES) {
      this.#bytes[this.#length++] = (rest % CONTINUES) | CONTINUES;
      rest = rest > 0x7fff_ffff ? Math.floor(rest / CONTINUES) : rest >>> 7;
    }
    this.#bytes[this.#length++] = rest & LOW_BITS;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= CONTINUES; rest = Math.floor(rest / CONTINUES)) count += 1;
  return count;
}
