// The edge between protobufjs' 64-bit values (Long, or numbers that are safe integers) and bigints.
import type Long from 'long';
import protobuf from 'protobufjs/minimal.js';

type Wire = number | Long; // a zero field of a decoded message may be a plain number

const HALF = 0xffff_ffffn;
const { LongBits } = protobuf.util;

/** For fields uint64, fixed64 (0 … 2^64-1) and sint64, sfixed64 (-2^63 … 2^63-1). */
export function toWire(value: bigint): Long {
  const bits = BigInt.asUintN(64, value);
  return new LongBits(Number(bits & HALF), Number(bits >> 32n)).toLong(value >= 0n) as Long;
}

export function unsignedOf(value: Wire | null | undefined): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'number') return BigInt(value);
  if (value.high === 0) return BigInt(value.low >>> 0);
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

export function signedOf(value: Wire | null | undefined): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high | 0) << 32n) | BigInt(value.low >>> 0);
}
