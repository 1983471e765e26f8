// A set of integers kept as sorted, disjoint, non-adjacent half-open ranges: bytes of a block that arrived or were
// acknowledged, packet numbers received, block ids completed. Adding at the end is the fast path.
import { assert } from '../base/assert.ts';

export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get count(): number {
    return this.#starts.length;
  }

  get empty(): boolean {
    return this.#starts.length === 0;
  }

  startAt(index: number): number {
    return this.#starts[index] ?? 0;
  }

  endAt(index: number): number {
    return this.#ends[index] ?? 0;
  }

  /** Adds [start, end) and returns how many of its integers were new. */
  add(start: number, end: number): number {
    assert(start < end, 'a range is not empty');
    const last = this.#starts.length - 1;
    const lastEnd = this.endAt(last);
    if (last >= 0 && start === lastEnd) {
      this.#ends[last] = end;
      return end - start;
    }
    if (last < 0 || start > lastEnd) {
      this.#starts.push(start);
      this.#ends.push(end);
      return end - start;
    }
    return this.#merge(start, end);
  }

  #merge(start: number, end: number): number {
    const first = this.#firstEndingAtOrAfter(start);
    let after = first;
    let known = 0;
    let mergedStart = start;
    let mergedEnd = end;
    while (after < this.#starts.length && this.startAt(after) <= end) {
      const rangeStart = this.startAt(after);
      const rangeEnd = this.endAt(after);
      known += rangeEnd - rangeStart;
      mergedStart = Math.min(mergedStart, rangeStart);
      mergedEnd = Math.max(mergedEnd, rangeEnd);
      after += 1;
    }
    if (after === first + 1) {
      this.#starts[first] = mergedStart;
      this.#ends[first] = mergedEnd;
    } else {
      this.#starts.splice(first, after - first, mergedStart);
      this.#ends.splice(first, after - first, mergedEnd);
    }
    return mergedEnd - mergedStart - known;
  }

  /** Removes [start, end). */
  remove(start: number, end: number): void {
    let index = this.#firstEndingAtOrAfter(start + 1);
    while (index < this.#starts.length && this.startAt(index) < end) {
      const rangeStart = this.startAt(index);
      const rangeEnd = this.endAt(index);
      if (rangeStart < start && rangeEnd > end) {
        this.#ends[index] = start;
        this.#starts.splice(index + 1, 0, end);
        this.#ends.splice(index + 1, 0, rangeEnd);
        return;
      }
      if (rangeStart < start) {
        this.#ends[index] = start;
        index += 1;
      } else if (rangeEnd > end) {
        this.#starts[index] = end;
        return;
      } else {
        this.#starts.splice(index, 1);
        this.#ends.splice(index, 1);
      }
    }
  }

  /** Adds the integers of [start, end) that `except` has not. */
  addExcept(start: number, end: number, except: RangeSet): void {
    this.add(start, end);
    for (let index = except.#firstEndingAtOrAfter(start + 1); index < except.count; index++) {
      if (except.startAt(index) >= end) return;
      this.remove(except.startAt(index), except.endAt(index));
    }
  }

  contains(start: number, end: number): boolean {
    const index = this.#firstEndingAtOrAfter(end);
    return index < this.#starts.length && this.startAt(index) <= start;
  }

  /** Forgets the lowest range. */
  dropFirst(): void {
    this.#starts.shift();
    this.#ends.shift();
  }

  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.endAt(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
