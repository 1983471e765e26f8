// The congestion controller alone, acknowledgement by acknowledgement; whole transfers are in test/simulation.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BandwidthController } from '../../../src/transport/bandwidth-controller.ts';

const test = suite('bandwidth controller');
const RTT_MS = 1;

/** Acknowledges `bytesPerMs` each millisecond for a while; returns the state to go on from. */
function acknowledge(
  controller: BandwidthController,
  from: { nowMs: number; delivered: number },
  flow: { forMs: number; bytesPerMs: number; appLimited: boolean },
): { nowMs: number; delivered: number } {
  let { nowMs, delivered } = from;
  for (let elapsed = 0; elapsed < flow.forMs; elapsed++) {
    const priorDelivered = delivered;
    nowMs += 1;
    delivered += flow.bytesPerMs;
    controller.onAcknowledged({
      nowMs,
      acknowledgedBytes: flow.bytesPerMs,
      bytesInFlight: flow.bytesPerMs * RTT_MS,
      delivered,
      priorDelivered,
      sentAt: nowMs - RTT_MS,
      bytesPerMs: flow.bytesPerMs,
      appLimited: flow.appLimited,
      rttMs: RTT_MS,
      inFlightWhenSentBytes: flow.bytesPerMs * RTT_MS,
    });
  }
  return { nowMs, delivered };
}

test('a heavy loss before the first epoch has ended leaves the rate that was seen', () => {
  const controller = new BandwidthController();
  const flow = { forMs: 21, bytesPerMs: 1000, appLimited: true };
  const state = acknowledge(controller, { nowMs: 0, delivered: 0 }, flow);
  controller.onLost({ lostBytes: 50_000 });
  acknowledge(controller, state, { ...flow, forMs: 6 });
  assert.is(controller.rateBytesPerMs, 1000);
  // Seven tenths of what was in flight at that rate with the allowance, not the least window.
  assert.ok(controller.windowBytes > 7000, `${controller.windowBytes} bytes`);
});

test('what startup believed is forgotten once an epoch after it has ended', () => {
  const controller = new BandwidthController();
  const flow = { forMs: 21, bytesPerMs: 4000, appLimited: false };
  const state = acknowledge(controller, { nowMs: 0, delivered: 0 }, flow);
  controller.onLost({ lostBytes: 100_000 });
  acknowledge(controller, state, { ...flow, forMs: 400, bytesPerMs: 1000 });
  assert.ok(Math.abs(controller.rateBytesPerMs - 1000) < 10, `${controller.rateBytesPerMs} bytes a millisecond`);
});

test('an epoch with less to send than the path takes does not lower the rate', () => {
  const controller = new BandwidthController();
  const state = acknowledge(
    controller,
    { nowMs: 0, delivered: 0 },
    { forMs: 300, bytesPerMs: 2000, appLimited: false },
  );
  acknowledge(controller, state, { forMs: 3000, bytesPerMs: 10, appLimited: true });
  assert.ok(controller.rateBytesPerMs > 1900, `${controller.rateBytesPerMs} bytes a millisecond`);
});

test('what was only held up on the way does not raise the rate above the one at which it was sent', () => {
  const controller = new BandwidthController();
  const rate = 1000;
  let delivered = 0;
  for (let nowMs = 0; nowMs < 4000; nowMs++) {
    // What is acknowledged now was sent at the rate, and is late by turns.
    const lateMs = Math.floor(nowMs / 70) % 2 === 0 ? 20 : 0;
    const before = delivered;
    delivered = Math.max(before, rate * (nowMs - lateMs));
    if (delivered === before) continue;
    controller.onAcknowledged({
      nowMs,
      acknowledgedBytes: delivered - before,
      bytesInFlight: rate * RTT_MS,
      delivered,
      priorDelivered: before,
      sentAt: nowMs - lateMs - RTT_MS,
      bytesPerMs: rate,
      appLimited: false,
      rttMs: RTT_MS,
      inFlightWhenSentBytes: rate * RTT_MS,
    });
  }
  assert.ok(controller.rateBytesPerMs < 1.02 * rate, `${controller.rateBytesPerMs}`);
});

test.run();
