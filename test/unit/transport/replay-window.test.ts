// The replay window against the set of numbers accepted.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REPLAY_WINDOW_PACKETS } from '../../../src/transport/constants.ts';
import { ReplayWindow } from '../../../src/transport/replay-window.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('replay window');

test('accepts each number once, in any order within the window', () => {
  const random = seededRandom(seedOfRun());
  const window = new ReplayWindow();
  const accepted = new Set<number>();
  let highest = 0;
  for (let step = 0; step < 100_000; step++) {
    const jump = random.unit() < 0.001 ? 3 * REPLAY_WINDOW_PACKETS : 40;
    const number = Math.max(0, highest + random.below(jump) - (random.unit() < 0.5 ? random.below(9000) : 0));
    const expected = !accepted.has(number) && number + REPLAY_WINDOW_PACKETS > highest;
    assert.is(window.isFresh(number), expected || number > highest, `number ${number}, highest ${highest}`);
    assert.is(window.accept(number), expected || number > highest);
    accepted.add(number);
    highest = Math.max(highest, number);
  }
});

test('accepts the first number and numbers beyond 32 bits', () => {
  const window = new ReplayWindow();
  assert.ok(window.accept(0));
  assert.not(window.accept(0));
  const far = 2 ** 40 + 5;
  assert.ok(window.accept(far));
  assert.ok(window.accept(far - REPLAY_WINDOW_PACKETS + 1));
  assert.not(window.accept(far - REPLAY_WINDOW_PACKETS));
  assert.not(window.accept(far));
  assert.not(window.accept(0));
});

test.run();
