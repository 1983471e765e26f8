// Sets of log positions, as sorted disjoint half-open ranges: what a have-set is made of. Pure.
import { type LogPosition, logPosition, SEGMENT_BYTES } from '../base/units.ts';

export interface PositionRange {
  readonly start: LogPosition;
  readonly end: LogPosition;
}

/** Flat [start, end) pairs, as the addon gives them, as ranges. */
export function rangesOfPairs(pairs: Float64Array): PositionRange[] {
  const ranges: PositionRange[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    ranges.push({ start: logPosition(pairs[index] ?? 0), end: logPosition(pairs[index + 1] ?? 0) });
  }
  return ranges;
}

/** Sorts, merges what touches or overlaps, drops what is empty. */
export function coalesceRanges(ranges: readonly PositionRange[]): PositionRange[] {
  const sorted = ranges.filter((range) => range.end > range.start).sort((left, right) => left.start - right.start);
  const merged: PositionRange[] = [];
  for (const range of sorted) {
    const last = merged[merged.length - 1];
    if (last !== undefined && range.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: logPosition(Math.max(last.end, range.end)) };
    } else merged.push(range);
  }
  return merged;
}

/** The parts of `wanted` that `held` (sorted, disjoint) does not cover. */
export function subtractRanges(wanted: readonly PositionRange[], held: readonly PositionRange[]): PositionRange[] {
  const missing: PositionRange[] = [];
  for (const range of coalesceRanges(wanted)) {
    let start: number = range.start;
    for (let index = firstEndingAfter(held, start); index < held.length && start < range.end; index += 1) {
      const candidate = held[index];
      if (candidate === undefined || candidate.start >= range.end) break;
      if (candidate.start > start) missing.push({ start: logPosition(start), end: candidate.start });
      start = Math.max(start, candidate.end);
    }
    if (start < range.end) missing.push({ start: logPosition(start), end: range.end });
  }
  return missing;
}

/** The bytes that both hold (both sorted, disjoint). */
export function intersectRanges(left: readonly PositionRange[], right: readonly PositionRange[]): PositionRange[] {
  const shared: PositionRange[] = [];
  for (let leftIndex = 0, rightIndex = 0; ; ) {
    const one = left[leftIndex];
    const other = right[rightIndex];
    if (one === undefined || other === undefined) return shared;
    const start = Math.max(one.start, other.start);
    const end = Math.min(one.end, other.end);
    if (start < end) shared.push({ start: logPosition(start), end: logPosition(end) });
    if (one.end < other.end) leftIndex += 1;
    else rightIndex += 1;
  }
}

export function containsRange(held: readonly PositionRange[], range: PositionRange): boolean {
  const candidate = held[firstEndingAfter(held, range.start)];
  return candidate !== undefined && candidate.start <= range.start && candidate.end >= range.end;
}

export const rangesBytes = (ranges: readonly PositionRange[]): number =>
  ranges.reduce((sum, range) => sum + (range.end - range.start), 0);

export const segmentOfPosition = (position: LogPosition): number => Math.floor(position / SEGMENT_BYTES);
export const segmentStart = (segment: number): LogPosition => logPosition(segment * SEGMENT_BYTES);

/** A growing set of positions: ranges are added, the whole is read as a sorted list that is replaced, never changed. */
export class HaveSet {
  #ranges: readonly PositionRange[];

  constructor(ranges: readonly PositionRange[] = []) {
    this.#ranges = coalesceRanges(ranges);
  }

  get ranges(): readonly PositionRange[] {
    return this.#ranges;
  }

  add(range: PositionRange): void {
    if (range.end <= range.start || containsRange(this.#ranges, range)) return;
    // What ends before it, then what it touches, then the rest; one that ends right where it begins is touched.
    const first = firstEndingAfter(this.#ranges, range.start - 1);
    let { start, end } = range;
    let next = first;
    for (; next < this.#ranges.length; next += 1) {
      const touched = this.#ranges[next];
      if (touched === undefined || touched.start > range.end) break;
      start = logPosition(Math.min(start, touched.start));
      end = logPosition(Math.max(end, touched.end));
    }
    this.#ranges = [...this.#ranges.slice(0, first), { start, end }, ...this.#ranges.slice(next)];
  }
}

/** Index of the first range that ends after `position`; ranges.length when none does. */
function firstEndingAfter(ranges: readonly PositionRange[], position: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && range.end <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
