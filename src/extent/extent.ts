// A file's content as a list of extents: sorted, not overlapping, holes explicit or absent. Pure; no list is changed
// in place. The functions are in list.ts (locate, slice, splice, truncate, coalesce), runs.ts (the wire's columns) and
// native.ts (the addon's form).
import { type BlobAddress, HOLE, SEGMENT_BYTES } from '../base/units.ts';

/** `length` bytes of a file from `offset` on are those at `address` of the blob, or zeros where it is HOLE. */
export interface Extent {
  readonly offset: bigint;
  readonly length: bigint;
  readonly address: BlobAddress;
}

const SEGMENT = BigInt(SEGMENT_BYTES);

export const extentEnd = (extent: Extent): bigint => extent.offset + extent.length;

export const isHole = (extent: Extent): boolean => extent.address === HOLE;

export const hole = (offset: bigint, length: bigint): Extent => ({ offset, length, address: HOLE });

/** The address `distance` bytes after `address`; a hole stays a hole. */
export const advance = (address: BlobAddress, distance: bigint): BlobAddress =>
  address === HOLE ? HOLE : ((address + distance) as BlobAddress);

/** Whether `second` goes on where `first` ends, in the file and in the same segment of the blob. */
export function isContinuation(first: Extent, second: Extent): boolean {
  if (extentEnd(first) !== second.offset) return false;
  if (first.address === HOLE || second.address === HOLE) return first.address === second.address;
  return first.address + first.length === second.address && first.address / SEGMENT === second.address / SEGMENT;
}
