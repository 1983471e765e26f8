// Range sets against the plainest model there is: a set of positions.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logPosition } from '../../../src/base/units.ts';
import type { PositionRange } from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import { SeededRandom } from '../../simulation/support/scheduler.ts';

const seed = Number(process.env['PFS_SEED'] ?? Math.floor(Math.random() * 1e9));
console.log(`PFS_SEED=${seed}`);
const LIMIT = 60;

const range = (start: number, end: number): PositionRange => ({ start: logPosition(start), end: logPosition(end) });

function randomRange(random: SeededRandom): PositionRange {
  const start = random.below(LIMIT - 1);
  return range(start, random.between(start + 1, LIMIT));
}

function positionsOf(set: RangeSet): Set<number> {
  const positions = new Set<number>();
  for (const { start, end } of set)
    for (let position: number = start; position < end; position++) positions.add(position);
  return positions;
}

function randomSet(random: SeededRandom): RangeSet {
  const set = new RangeSet();
  for (let count = random.below(6); count > 0; count--) set.add(randomRange(random));
  return set;
}

const test = suite('range set');

test('add and remove agree with a set of positions, and ranges stay sorted, disjoint and coalesced', () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 500; round++) {
    const set = new RangeSet();
    const model = new Set<number>();
    for (let step = 0; step < 20; step++) {
      const { start, end } = randomRange(random);
      const adding = random.chance(0.6);
      if (adding) set.add(range(start, end));
      else set.remove(range(start, end));
      for (let position: number = start; position < end; position++) {
        if (adding) model.add(position);
        else model.delete(position);
      }
      assert.equal(
        [...positionsOf(set)],
        [...model].sort((left, right) => left - right),
      );
      const ranges = set.ranges();
      for (let index = 1; index < ranges.length; index++) {
        assert.ok((ranges[index - 1]?.end ?? 0) < (ranges[index]?.start ?? 0), 'a gap between ranges');
      }
      assert.is(set.bytes, model.size);
    }
  }
});

test('covers and intersects agree with a set of positions', () => {
  const random = new SeededRandom(seed + 1);
  for (let round = 0; round < 3000; round++) {
    const set = randomSet(random);
    const model = positionsOf(set);
    const { start, end } = randomRange(random);
    const inside = Array.from({ length: end - start }, (_, index) => model.has(start + index));
    assert.is(set.covers(range(start, end)), inside.every(Boolean));
    assert.is(set.intersects(range(start, end)), inside.some(Boolean));
  }
});

test('difference, intersection and intersectsAny agree with sets of positions', () => {
  const random = new SeededRandom(seed + 2);
  for (let round = 0; round < 2000; round++) {
    const [left, right] = [randomSet(random), randomSet(random)];
    const [leftModel, rightModel] = [positionsOf(left), positionsOf(right)];
    const both = [...leftModel].filter((position) => rightModel.has(position));
    assert.equal(
      [...positionsOf(left.without(right))],
      [...leftModel].filter((position) => !rightModel.has(position)),
    );
    assert.equal([...positionsOf(left.intersection(right))], both);
    assert.is(left.intersectsAny(right), both.length > 0);
    const first = right.first();
    if (first) {
      const within = [...leftModel].filter((position) => position >= first.start && position < first.end);
      assert.equal([...positionsOf(RangeSet.of(left.within(first, Number.POSITIVE_INFINITY)))], within);
      assert.equal(left.within(first, 1), left.within(first, Number.POSITIVE_INFINITY).slice(0, 1));
    }
    assert.equal(positionsOf(left), leftModel);
  }
});

test('an empty range is a bug', () => {
  assert.throws(() => new RangeSet().add(range(5, 5)), /not empty/);
});

test.run();
