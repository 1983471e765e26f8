// What the benches of links say of the samples of a transfer.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FlowResult, goodput, longestGap } from '../../../bench/link/flow.ts';

const test = suite('flow');

const resultOf = (...samples: readonly (readonly [number, number])[]): FlowResult => ({
  samples: samples.map(([atSeconds, bytes]) => ({ atSeconds, bytes })),
  retransmitted: undefined,
});

test('goodput counts a sample for the part of it that lies within', () => {
  const even = resultOf([1, 100], [2, 100], [3, 100], [4, 100]);
  assert.is(goodput(even, 0, 4), 800);
  assert.is(goodput(even, 1.5, 3.5), 800);
  assert.is(goodput(resultOf([1, 0], [3, 300], [4, 0]), 2, 4), 600);
});

test('goodput counts the time in which nothing arrived, at the end too', () => {
  assert.is(goodput(resultOf([1, 100], [2, 100]), 0, 4), 400);
  assert.is(goodput(resultOf(), 0, 4), 0);
});

test('a gap is between arrivals, or from the last to the end', () => {
  assert.is(longestGap(resultOf([1, 5], [2, 5], [4, 5], [5, 5]), 0), 2);
  assert.is(longestGap(resultOf([1, 5], [2, 5], [4, 0], [5, 0]), 1), 3);
  assert.is(longestGap(resultOf([1, 5], [6, 5], [7, 5]), 6), 1);
});

test.run();
