// The rate limit follows its schedule through the day.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../../src/base/clock.ts';
import { RateKeeper } from '../../../src/daemon/rate-keeper.ts';
import { RateLimit } from '../../../src/transport/rate-limit.ts';

const test = suite('rate keeper');

test('the limit is that of the time of day, and none where the schedule has none', () => {
  const limit = new RateLimit();
  let minute = 12 * 60;
  const schedule = [
    { bytesPerSecond: 20_000_000, hours: undefined },
    { bytesPerSecond: 8_000_000, hours: { from: 8 * 60, to: 18 * 60 } },
    { bytesPerSecond: undefined, hours: { from: 22 * 60, to: 6 * 60 } },
  ];
  const keeper = new RateKeeper({ schedule, limit, logger: silentLogger, minuteOfDay: () => minute });
  keeper.start();
  assert.is(limit.bytesPerMs, 8000);
  for (const [at, bytesPerMs] of [
    [17 * 60 + 59, 8000],
    [18 * 60, 20_000],
    [23 * 60, undefined],
    [5 * 60 + 59, undefined],
    [6 * 60, 20_000],
  ] as const) {
    minute = at;
    keeper.look();
    assert.is(limit.bytesPerMs, bytesPerMs, `minute ${at}`);
  }
  keeper.stop();
});

test('without a schedule nothing is limited', () => {
  const limit = new RateLimit();
  const keeper = new RateKeeper({ schedule: [], limit, logger: silentLogger });
  keeper.start();
  assert.is(limit.bytesPerMs, undefined);
  keeper.stop();
});

test.run();
