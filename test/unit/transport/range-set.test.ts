// RangeSet against a plain set of integers.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RangeSet } from '../../../src/transport/range-set.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('range set');

const listOf = (ranges: RangeSet): number[] => {
  const list: number[] = [];
  for (let index = 0; index < ranges.count; index++) {
    for (let value = ranges.startAt(index); value < ranges.endAt(index); value++) list.push(value);
  }
  return list;
};

test('behaves as a set of integers under random additions and removals', () => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 200; round++) {
    const ranges = new RangeSet();
    const model = new Set<number>();
    for (let step = 0; step < 60; step++) {
      const start = random.below(100);
      const end = start + 1 + random.below(12);
      if (random.unit() < 0.1) {
        const except = new RangeSet();
        const [middle, width] = [random.below(100), 1 + random.below(10)];
        except.add(middle, middle + width);
        for (let value = start; value < end; value++) model.add(value);
        for (let value = middle; value < middle + width; value++)
          if (value >= start && value < end) model.delete(value);
        // What was there before and lies in `except` beyond [start, end) goes too: callers keep the sets disjoint.
        if (middle < end && middle + width > start) {
          for (let value = middle; value < middle + width; value++) model.delete(value);
        }
        ranges.addExcept(start, end, except);
      } else if (random.unit() < 0.7) {
        const before = model.size;
        for (let value = start; value < end; value++) model.add(value);
        assert.is(ranges.add(start, end), model.size - before);
      } else {
        for (let value = start; value < end; value++) model.delete(value);
        ranges.remove(start, end);
      }
      assert.equal(
        listOf(ranges),
        [...model].sort((left, right) => left - right),
      );
      const probe = random.below(100);
      const probeEnd = probe + 1 + random.below(5);
      let whole = true;
      for (let value = probe; value < probeEnd; value++) whole &&= model.has(value);
      assert.is(ranges.contains(probe, probeEnd), whole);
    }
  }
});

test('ranges are kept apart by at least one missing integer', () => {
  const ranges = new RangeSet();
  ranges.add(0, 5);
  ranges.add(10, 12);
  ranges.add(5, 10);
  assert.is(ranges.count, 1);
  assert.is(ranges.endAt(0), 12);
});

test('an empty range is a bug', () => {
  assert.throws(() => new RangeSet().add(3, 3));
});

test.run();
