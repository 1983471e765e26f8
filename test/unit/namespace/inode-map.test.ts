// The map from inode numbers against JavaScript's own, under random changes, and its sweeps.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inodeNumber } from '../../../src/base/units.ts';
import { InodeMap } from '../../../src/namespace/inode-map.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('namespace/inode-map');
const STEPS = 60_000;

interface Entry {
  readonly number: bigint;
  used: boolean;
}

const entryOf = (number: bigint): Entry => ({ number, used: false });
/** Numbers of several logs, counted up and far apart. */
const numberOf = (draw: number): bigint =>
  (BigInt(draw % 3) << 48n) | (draw % 2 === 0 ? BigInt(draw) : BigInt(draw) << 24n);

test('it has what a Map has, whatever comes and goes', () => {
  const random = seededRandom(seedOfRun());
  const map = new InodeMap<Entry>();
  const model = new Map<bigint, Entry>();
  for (let step = 0; step < STEPS; step += 1) {
    // It fills, and empties again, three times.
    const isFilling = Math.floor((step * 6) / STEPS) % 2 === 0;
    const number = numberOf(random.below(4000));
    if (random.below(4) < (isFilling ? 3 : 1)) {
      const entry = entryOf(number);
      map.set(inodeNumber(number), entry);
      model.set(number, entry);
    } else {
      map.delete(inodeNumber(number));
      model.delete(number);
    }
    assert.is(map.size, model.size);
    const other = numberOf(random.below(4000));
    assert.is(map.get(inodeNumber(other)), model.get(other));
  }
  for (const [number, entry] of model) assert.is(map.get(inodeNumber(number)), entry);
});

test('a sweep comes to all, also while it deletes', () => {
  const map = new InodeMap<Entry>();
  for (let number = 0n; number < 1000n; number += 1n) map.set(inodeNumber(number), entryOf(number));
  const seen = new Set<bigint>();
  map.sweep((entry) => {
    seen.add(entry.number);
    if (entry.number % 3n === 0n) map.delete(inodeNumber(entry.number));
    return 'go on';
  });
  assert.is(seen.size, 1000);
  assert.is(map.size, 666);
});

test('the hand goes on behind where it stopped, whether that was deleted or not', () => {
  const map = new InodeMap<Entry>();
  for (let number = 0n; number < 100n; number += 1n) map.set(inodeNumber(number), entryOf(number));
  const seen: bigint[] = [];
  for (let call = 0; call < 10; call += 1) {
    let left = 10;
    map.sweep((entry) => {
      seen.push(entry.number);
      if (entry.number % 2n === 0n) map.delete(inodeNumber(entry.number));
      left -= 1;
      return left === 0 ? 'stop' : 'go on';
    });
  }
  assert.is(new Set(seen).size, 100);
  assert.is(map.size, 50);
});

test.run();
