import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logPosition } from '../../../src/base/units.ts';
import {
  coalesceRanges,
  containsRange,
  HaveSet,
  intersectRanges,
  type PositionRange,
  rangesBytes,
  rangesOfPairs,
  subtractRanges,
} from '../../../src/blob/ranges.ts';

const test = suite('blob/ranges');
const range = (start: number, end: number): PositionRange => ({ start: logPosition(start), end: logPosition(end) });

test('pairs of the addon become ranges', () => {
  assert.equal(rangesOfPairs(Float64Array.of(0, 5, 9, 12)), [range(0, 5), range(9, 12)]);
});

test('ranges that touch or overlap coalesce, empty ones go', () => {
  assert.equal(coalesceRanges([range(8, 9), range(0, 4), range(4, 6), range(5, 7), range(3, 3)]), [
    range(0, 7),
    range(8, 9),
  ]);
});

test('subtraction, intersection and containment agree with sets of bytes', () => {
  const seed = Number(process.env['PFS_SEED'] ?? Date.now() % 1_000_000);
  console.log(`PFS_SEED=${seed}`);
  let state = seed >>> 0;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const randomRanges = () =>
    coalesceRanges(
      Array.from({ length: below(6) }, () => {
        const start = below(40);
        return range(start, start + below(10));
      }),
    );
  const bytesOf = (ranges: readonly PositionRange[]) => {
    const bytes = new Set<number>();
    for (const { start, end } of ranges) for (let byte: number = start; byte < end; byte += 1) bytes.add(byte);
    return bytes;
  };
  for (let round = 0; round < 2000; round += 1) {
    const left = randomRanges();
    const right = randomRanges();
    const rightBytes = bytesOf(right);
    const leftBytes = [...bytesOf(left)];
    assert.equal(
      [...bytesOf(subtractRanges(left, right))],
      leftBytes.filter((byte) => !rightBytes.has(byte)),
    );
    assert.equal(
      [...bytesOf(intersectRanges(left, right))],
      leftBytes.filter((byte) => rightBytes.has(byte)),
    );
    const wanted = range(below(40), 50);
    assert.is(containsRange(left, wanted), subtractRanges([wanted], left).length === 0);
    assert.is(rangesBytes(left), leftBytes.length);
    const set = new HaveSet(left);
    for (const range of right) set.add(range);
    assert.equal(set.ranges, coalesceRanges([...left, ...right]));
  }
});

test.run();
