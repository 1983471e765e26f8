// The pacer alone: departures at the rate, ahead of time but not far, in order, and what a change of rate does.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pacer } from '../../../src/transport/pacer.ts';

const test = suite('pacer');
const PACKET_BYTES = 1452;

/** Makes all packets that a turn at this time may make; returns their departures. */
function turn(pacer: Pacer, nowMs: number, bytesPerMs: number): number[] {
  const departures: number[] = [];
  pacer.begin(nowMs, bytesPerMs);
  while (pacer.open) {
    departures.push(pacer.departureAt(nowMs, true));
    pacer.spend(PACKET_BYTES, nowMs, true);
  }
  return departures;
}

test('packets depart at the rate, whether turns come in time or late', () => {
  const pacer = new Pacer();
  const departures: number[] = [];
  turn(pacer, 0, 10 * PACKET_BYTES);
  for (let nowMs = 0; nowMs < 100; nowMs += nowMs % 7 === 0 ? 3 : 1) {
    departures.push(...turn(pacer, nowMs, 10 * PACKET_BYTES));
  }
  for (let index = 1; index < departures.length; index++) {
    const gapMs = (departures[index] ?? 0) - (departures[index - 1] ?? 0);
    assert.ok(Math.abs(gapMs - 0.1) < 1e-6, `${gapMs} ms`);
  }
});

test('a turn makes packets some milliseconds ahead, and opens again before they have gone', () => {
  const pacer = new Pacer();
  const departures = turn(pacer, 0, 10 * PACKET_BYTES);
  const last = departures.at(-1) ?? 0;
  assert.ok(last > 6 && last <= 8, `${last} ms ahead`);
  assert.ok(pacer.opensAt > 0 && pacer.opensAt < last);
  assert.equal(turn(pacer, pacer.opensAt - 0.1, 10 * PACKET_BYTES), []);
  assert.ok(turn(pacer, pacer.opensAt, 10 * PACKET_BYTES).length > 1);
});

test('after a pause no more goes at once than a short burst', () => {
  const pacer = new Pacer();
  turn(pacer, 0, 100 * PACKET_BYTES);
  const atOnce = turn(pacer, 5000, 100 * PACKET_BYTES).filter((departureMs) => departureMs === 5000);
  assert.ok(atOnce.length >= 100 && atOnce.length <= 102, `${atOnce.length} packets`);
});

test('what was spent at a low rate does not hold back a high one', () => {
  const pacer = new Pacer();
  turn(pacer, 0, 1);
  assert.ok(pacer.opensAt > 1000);
  assert.ok((turn(pacer, 10, 10 * PACKET_BYTES)[0] ?? Number.POSITIVE_INFINITY) < 12);
});

test('a packet that is not paced waits for those that were made before it', () => {
  const pacer = new Pacer();
  const departures = turn(pacer, 0, 10 * PACKET_BYTES);
  assert.is(pacer.departureAt(1, false), departures.at(-1));
  assert.is(pacer.departureAt(500, false), 500);
});

test.run();
