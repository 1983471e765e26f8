import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSlice, partOf } from '../../support/crash/slice.ts';

const test = suite('slices of a campaign');

test('the slices together are every volume of the campaign once, with all its cycles', () => {
  for (const [cycles, count] of [
    [2000, 10],
    [505, 7],
    [50, 4],
  ] as const) {
    const campaign = { seed: 100, cycles, cyclesPerVolume: 50 };
    let next = { seed: campaign.seed, cycles: 0 };
    for (let index = 1; index <= count; index++) {
      const part = partOf(campaign, { index, count });
      assert.is(part.seed, next.seed);
      next = { seed: part.seed + Math.ceil(part.cycles / 50), cycles: next.cycles + part.cycles };
    }
    assert.equal(next, { seed: 100 + Math.ceil(cycles / 50), cycles });
  }
});

test('what is no slice is refused', () => {
  assert.equal(parseSlice(undefined), { index: 1, count: 1 });
  assert.equal(parseSlice('2/10'), { index: 2, count: 10 });
  for (const text of ['', '0/2', '3/2', '2', '1/0', '1/2/3', '-1/2']) assert.throws(() => parseSlice(text), text);
});

test.run();
