// A set of log positions as sorted, disjoint, coalesced ranges [start, end): have-sets, what is in flight, what is
// missing. Kept as one flat array of bounds; look-ups are binary searches, changes touch only what they overlap.
import { assert } from '../base/assert.ts';
import { logPosition } from '../base/units.ts';
import type { PositionRange } from './ports.ts';

/** So much smaller a set is taken out range by range: each moves what lies behind it. */
const FEW_OF = 1024;

export class RangeSet {
  /** start, end, start, end, … strictly increasing. */
  #bounds: number[] = [];

  static of(ranges: Iterable<PositionRange>): RangeSet {
    const set = new RangeSet();
    for (const range of ranges) set.add(range);
    return set;
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  get rangeCount(): number {
    return this.#bounds.length / 2;
  }

  get bytes(): number {
    let sum = 0;
    for (let index = 0; index < this.#bounds.length; index += 2) sum += this.#bound(index + 1) - this.#bound(index);
    return sum;
  }

  /** Looks no further than it must. */
  hasBytes(bytesMin: number): boolean {
    let sum = 0;
    for (let index = 0; index < this.#bounds.length && sum < bytesMin; index += 2) {
      sum += this.#bound(index + 1) - this.#bound(index);
    }
    return sum >= bytesMin;
  }

  add(range: PositionRange): void {
    assert(range.start < range.end, 'a range is not empty');
    const bounds = this.#bounds;
    const last = bounds[bounds.length - 1];
    if (last === undefined || range.start > last) {
      bounds.push(range.start, range.end);
      return;
    }
    const first = this.#firstEndAtOrAfter(range.start);
    let start: number = range.start;
    let end: number = range.end;
    let next = first;
    while (next < bounds.length && this.#bound(next) <= end) {
      start = Math.min(start, this.#bound(next));
      end = Math.max(end, this.#bound(next + 1));
      next += 2;
    }
    bounds.splice(first, next - first, start, end);
  }

  remove(range: PositionRange): void {
    const first = this.#firstEndAtOrAfter(range.start + 1);
    const replacement: number[] = [];
    let next = first;
    while (next < this.#bounds.length && this.#bound(next) < range.end) {
      const start = this.#bound(next);
      const end = this.#bound(next + 1);
      if (start < range.start) replacement.push(start, range.start);
      if (end > range.end) replacement.push(range.end, end);
      next += 2;
    }
    if (next > first) this.#bounds.splice(first, next - first, ...replacement);
  }

  addAll(other: RangeSet): void {
    for (const range of other) this.add(range);
  }

  removeAll(other: RangeSet): void {
    if (other.rangeCount * FEW_OF <= this.rangeCount) for (const range of other) this.remove(range);
    else this.#bounds = this.#boundsWithout(other);
  }

  /** In one pass over both. */
  #boundsWithout(other: RangeSet): number[] {
    const kept: number[] = [];
    let gone = 0;
    for (let index = 0; index < this.#bounds.length; index += 2) {
      let start = this.#bound(index);
      const end = this.#bound(index + 1);
      while (gone < other.#bounds.length && other.#bound(gone + 1) <= start) gone += 2;
      for (let next = gone; start < end; next += 2) {
        const goneStart = next < other.#bounds.length ? other.#bound(next) : end;
        if (goneStart > start) kept.push(start, Math.min(goneStart, end));
        start = next < other.#bounds.length ? Math.max(start, other.#bound(next + 1)) : end;
      }
    }
    return kept;
  }

  covers(range: PositionRange): boolean {
    const index = this.#firstEndAtOrAfter(range.end);
    return index < this.#bounds.length && this.#bound(index) <= range.start;
  }

  intersects(range: PositionRange): boolean {
    const index = this.#firstEndAtOrAfter(range.start + 1);
    return index < this.#bounds.length && this.#bound(index) < range.end;
  }

  intersectsAny(other: RangeSet): boolean {
    if (this.rangeCount > other.rangeCount) return other.intersectsAny(this);
    for (const range of this) if (other.intersects(range)) return true;
    return false;
  }

  /** A new set: what is here and not in `other`. */
  without(other: RangeSet): RangeSet {
    const result = this.clone();
    result.removeAll(other);
    return result;
  }

  /** A new set: what is in both. */
  intersection(other: RangeSet): RangeSet {
    return this.without(this.without(other));
  }

  /** The parts that lie in a range, at most so many. */
  within(range: PositionRange, countMax: number): PositionRange[] {
    const found: PositionRange[] = [];
    let index = this.#firstEndAtOrAfter(range.start + 1);
    while (index < this.#bounds.length && this.#bound(index) < range.end && found.length < countMax) {
      const start = Math.max(this.#bound(index), range.start);
      found.push({ start: logPosition(start), end: logPosition(Math.min(this.#bound(index + 1), range.end)) });
      index += 2;
    }
    return found;
  }

  clone(): RangeSet {
    const copy = new RangeSet();
    for (const bound of this.#bounds) copy.#bounds.push(bound);
    return copy;
  }

  first(): PositionRange | undefined {
    return this.isEmpty ? undefined : this.#range(0);
  }

  ranges(): PositionRange[] {
    return [...this];
  }

  *[Symbol.iterator](): Generator<PositionRange> {
    for (let index = 0; index < this.#bounds.length; index += 2) yield this.#range(index);
  }

  /** Index of the first range whose end is >= position. */
  #firstEndAtOrAfter(position: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bound(middle * 2 + 1) >= position) high = middle;
      else low = middle + 1;
    }
    return low * 2;
  }

  #range(index: number): PositionRange {
    return { start: logPosition(this.#bound(index)), end: logPosition(this.#bound(index + 1)) };
  }

  #bound(index: number): number {
    const bound = this.#bounds[index];
    assert(bound !== undefined, 'a bound of a range set exists');
    return bound;
  }
}
