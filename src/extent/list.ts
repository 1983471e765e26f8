// Algebra on extent lists: every function takes sorted lists without overlap and gives a new normalised one. Gaps in a
// list are holes; `normalise` makes them explicit.
import { assert } from '../base/assert.ts';
import { advance, type Extent, extentEnd, hole, isContinuation, isHole } from './extent.ts';

/** Index of the first extent that ends after `offset`, or the list's length. */
export function locate(extents: readonly Extent[], offset: bigint): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    assert(extent !== undefined, 'a middle index lies within the list');
    if (extentEnd(extent) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part of an extent within [start, end); they must overlap. */
export function cut(extent: Extent, start: bigint, end: bigint): Extent {
  const from = start > extent.offset ? start : extent.offset;
  const until = end < extentEnd(extent) ? end : extentEnd(extent);
  assert(from < until, 'an extent is cut where it overlaps');
  if (from === extent.offset && until === extentEnd(extent)) return extent;
  return { offset: from, length: until - from, address: advance(extent.address, from - extent.offset) };
}

/** What covers [offset, offset + length); gaps stay gaps, file offsets stay. */
export function slice(extents: readonly Extent[], offset: bigint, length: bigint): Extent[] {
  const end = offset + length;
  const result: Extent[] = [];
  for (let index = locate(extents, offset); index < extents.length; index++) {
    const extent = extents[index];
    if (extent === undefined || extent.offset >= end || length === 0n) break;
    result.push(cut(extent, offset, end));
  }
  return result;
}

/** Joins neighbours that go on in file and blob; drops empty extents. */
export function coalesce(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = [];
  for (const extent of extents) {
    if (extent.length === 0n) continue;
    const last = result[result.length - 1];
    if (last !== undefined && isContinuation(last, extent)) {
      result[result.length - 1] = { ...last, length: last.length + extent.length };
    } else result.push(extent);
  }
  return result;
}

/** Replaces what covers [offset, offset + length) by `replacement`, which lies within that range. */
export function splice(
  extents: readonly Extent[],
  offset: bigint,
  length: bigint,
  replacement: readonly Extent[],
): Extent[] {
  const end = offset + length;
  const first = replacement[0];
  const last = replacement[replacement.length - 1];
  if (first !== undefined && last !== undefined) {
    assert(first.offset >= offset && extentEnd(last) <= end, 'a replacement lies within the replaced range');
  }
  const from = locate(extents, offset);
  let until = from;
  while (until < extents.length && (extents[until]?.offset ?? end) < end) until++;
  const result = extents.slice(0, from);
  const head = extents[from];
  if (head !== undefined && head.offset < offset) result.push(cut(head, head.offset, offset));
  result.push(...replacement);
  const tail = extents[until - 1];
  if (until > from && tail !== undefined && extentEnd(tail) > end) result.push(cut(tail, end, extentEnd(tail)));
  for (let index = until; index < extents.length; index++) {
    const extent = extents[index];
    if (extent !== undefined) result.push(extent);
  }
  return coalesce(result);
}

/** Drops what lies at or after `size`. */
export function truncate(extents: readonly Extent[], size: bigint): Extent[] {
  const until = locate(extents, size);
  const result = extents.slice(0, until);
  const last = extents[until];
  if (last !== undefined && last.offset < size) result.push(cut(last, last.offset, size));
  return result;
}

/** Covers [0, size) exactly: gaps become holes, the rest is cut off, neighbours are joined. */
export function normalise(extents: readonly Extent[], size: bigint): Extent[] {
  return normaliseRange(extents, 0n, size);
}

/** Covers [offset, offset + length) exactly, holes explicit. */
export function normaliseRange(extents: readonly Extent[], offset: bigint, length: bigint): Extent[] {
  const end = offset + length;
  const result: Extent[] = [];
  let covered = offset;
  for (const extent of slice(extents, offset, length)) {
    if (extent.offset > covered) result.push(hole(covered, extent.offset - covered));
    result.push(extent);
    covered = extentEnd(extent);
  }
  if (covered < end) result.push(hole(covered, end - covered));
  return coalesce(result);
}

/** Sum of the lengths of extents that are not holes. */
export function allocatedBytes(extents: readonly Extent[]): bigint {
  let total = 0n;
  for (const extent of extents) if (!isHole(extent)) total += extent.length;
  return total;
}

export function equalExtents(left: readonly Extent[], right: readonly Extent[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((extent, index) => {
    const other = right[index];
    return (
      other !== undefined &&
      extent.offset === other.offset &&
      extent.length === other.length &&
      extent.address === other.address
    );
  });
}
