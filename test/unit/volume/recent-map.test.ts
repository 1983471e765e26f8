// The oldest entries go first, as many as the bounds on count and weight ask for, and what is set anew is young again.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecentMap } from '../../../src/volume/recent-map.ts';

const test = suite('volume/recent-map');

const mapOf = (countMax: number, weightMax: number): RecentMap<string, number> =>
  new RecentMap({ countMax, weightMax, weightOf: (value) => value });

const keysIn = (map: RecentMap<string, number>): string =>
  [...'abcdef'].filter((key) => map.get(key) !== undefined).join('');

test('by count', () => {
  const map = mapOf(3, 100);
  for (const key of 'abcad') map.set(key, 1);
  assert.is(keysIn(map), 'acd');
  map.delete('a');
  map.set('e', 1);
  assert.is(keysIn(map), 'cde');
});

test('by weight, which is right after many changes of the same entries', () => {
  const map = mapOf(100, 10);
  for (let round = 0; round < 1000; round++) map.set('abc'[round % 3] ?? '', 1 + (round % 3));
  assert.is(keysIn(map), 'abc');
  map.set('d', 6);
  assert.is(keysIn(map).length, 3, 'twelve are two too many: the oldest alone, which weighs two, had to go');
  map.set('e', 11);
  assert.is(keysIn(map), '', 'what is too heavy alone is not kept');
});

test.run();
