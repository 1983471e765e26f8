// Which files damaged addresses belong to: one walk over the extents of the namespace, for all findings of a scrub at
// once; and on the way, whether every extent is in the blob at all.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlobAddress, InodeNumber } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import type { VolumeParts } from './parts.ts';

export interface AddressRange {
  readonly address: bigint;
  readonly length: bigint;
}

export interface ExtentWalk {
  /** For each of the given ranges, in their order: the inodes that refer to a byte of it. */
  readonly owners: readonly ReadonlySet<InodeNumber>[];
  /** Extents whose bytes are not held, with the inode that refers to them. */
  readonly unresolved: readonly { readonly inode: InodeNumber; readonly extent: Extent }[];
}

/** Inodes looked at between two turns of the event loop. */
const INODES_PER_TURN = 256;

export async function walkExtents(
  parts: VolumeParts,
  ranges: readonly AddressRange[],
  signal: AbortSignal,
): Promise<ExtentWalk> {
  const owners = ranges.map(() => new Set<InodeNumber>());
  const unresolved: { inode: InodeNumber; extent: Extent }[] = [];
  const sorted = ranges
    .map((range, index) => ({ start: range.address, end: range.address + range.length, index }))
    .sort((left, right) => (left.start < right.start ? -1 : 1));
  let visited = 0;
  for await (const { inode, extents } of parts.namespace.allExtents()) {
    for (const extent of extents) {
      if (!parts.blob.holds(extent.address, extent.length)) unresolved.push({ inode, extent });
      for (const index of overlapping(sorted, extent.address, extent.length)) owners[index]?.add(inode);
    }
    visited += 1;
    if (visited % INODES_PER_TURN === 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
  }
  return { owners, unresolved };
}

/** Every path of the inodes, as text (bytes that are not UTF-8 are replaced: it is shown, not used). */
export function pathsOfInodes(parts: VolumeParts, inodes: Iterable<InodeNumber>): string[] {
  const paths: string[] = [];
  for (const inode of inodes) {
    for (const path of parts.namespace.pathsOf(inode)) paths.push(Buffer.from(path).toString('utf8'));
  }
  return paths.sort();
}

interface SortedRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly index: number;
}

/** Damaged ranges are chunks, so they do not overlap each other: their ends are sorted as their starts are. */
function overlapping(sorted: readonly SortedRange[], address: BlobAddress, length: bigint): number[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = sorted[middle];
    if (range !== undefined && range.end <= address) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let position = low; position < sorted.length; position += 1) {
    const range = sorted[position];
    if (range === undefined || range.start >= address + length) break;
    found.push(range.index);
  }
  return found;
}
