// What lives in the daemon is bounded; so is what V8 keeps around it.
import { setTimeout as delay } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundHeapGrowth } from '../../../mount/heap.ts';
import { MIB } from '../../../src/base/units.ts';

const test = suite('heap');
const TURNS = 300;
const OBJECTS_PER_TURN = 100_000;
const KEPT = 100_000;

const youngBytes = (): number =>
  getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;

/** Makes objects of which one in sixteen lives for a while: V8 doubles its young generation for those. */
async function churn(): Promise<number> {
  const kept = new Array<object>(KEPT);
  let made = 0;
  let most = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    for (let index = 0; index < OBJECTS_PER_TURN; index++) {
      const object = { index, list: [index] };
      if (index % 16 === 0) kept[made++ % KEPT] = object;
    }
    await delay(0);
    most = Math.max(most, youngBytes());
  }
  return most;
}

test('the young generation grows, to 16 MiB and no further', async () => {
  boundHeapGrowth();
  const most = await churn();
  assert.ok(most > 4 * MIB && most <= 16 * MIB, `${most} bytes`);
});

test.run();
