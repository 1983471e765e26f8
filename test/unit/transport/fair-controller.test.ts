// The states of the fair controller, acknowledgement by acknowledgement, on a path that is a model: a rate, an RTT and
// what is in flight. What flows make of a queue together is in test/simulation/transport-fairness.test.ts.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FairController } from '../../../src/transport/fair-controller.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const test = suite('fair controller');
const RTT_MS = 50;
const RATE = 2000; // bytes a millisecond
const BANDWIDTH_DELAY = RATE * RTT_MS;

/** A path that delivers at most RATE and has the RTT that what is in flight makes; a millisecond a step. */
class ModelPath {
  readonly controller: FairController;
  nowMs = 0;
  rttExtraMs = 0;
  inFlight = 0;
  readonly phases = new Set<string>();
  #delivered = 0;
  readonly #earlier: { readonly at: number; readonly delivered: number }[] = [];

  constructor(seed = 1) {
    this.controller = new FairController(seededRandom(seed));
  }

  run(forMs: number, each: () => void = () => {}): void {
    for (let elapsed = 0; elapsed < forMs; elapsed++) {
      this.#step();
      each();
    }
  }

  runUntil(phase: string, limitMs = 20_000): void {
    for (let elapsed = 0; elapsed < limitMs && this.controller.phase !== phase; elapsed++) this.#step();
    assert.is(this.controller.phase, phase);
  }

  get rttMs(): number {
    return Math.max(RTT_MS, this.inFlight / RATE) + this.rttExtraMs;
  }

  #step(): void {
    const { controller } = this;
    this.nowMs += 1;
    const rttMs = this.rttMs;
    const acknowledgedBytes = Math.min(RATE, this.inFlight / rttMs);
    this.inFlight -= acknowledgedBytes;
    this.#delivered += acknowledgedBytes;
    this.#earlier.push({ at: this.nowMs, delivered: this.#delivered });
    while ((this.#earlier[1]?.at ?? this.nowMs) <= this.nowMs - rttMs) this.#earlier.shift();
    const prior = this.#earlier[0] ?? { at: this.nowMs, delivered: this.#delivered };
    if (acknowledgedBytes > 0) {
      controller.onAcknowledged({
        nowMs: this.nowMs,
        acknowledgedBytes,
        bytesInFlight: this.inFlight,
        delivered: this.#delivered,
        priorDelivered: prior.delivered,
        sentAt: this.nowMs - rttMs,
        bytesPerMs: (this.#delivered - prior.delivered) / Math.max(1, this.nowMs - prior.at),
        appLimited: false,
        rttMs,
        inFlightWhenSentBytes: this.inFlight + acknowledgedBytes,
      });
    }
    this.phases.add(controller.phase);
    const room = Math.max(0, controller.windowBytes - this.inFlight);
    this.inFlight += Math.min(room, controller.pacingBytesPerMs);
  }

  lose(bytes: number, sinceSent = bytes): void {
    this.inFlight -= Math.min(this.inFlight, bytes);
    this.controller.onLost({
      nowMs: this.nowMs,
      lostBytes: bytes,
      lostSinceSentBytes: sinceSent,
      inFlightWhenSentBytes: this.inFlight + bytes,
      appLimited: false,
    });
  }
}

test('it finds the rate, drains its queue and cruises', () => {
  const path = new ModelPath();
  path.runUntil('cruise', 5000);
  assert.ok(path.phases.has('drain') && path.phases.has('down'));
  const rate = path.controller.rateBytesPerMs;
  assert.ok(Math.abs(rate / RATE - 1) < 0.1, `${rate} bytes a millisecond`);
  path.run(1200);
  assert.ok(path.rttMs < 1.1 * RTT_MS, `${path.rttMs} ms`);
});

test('it looks for more every two to three seconds, in the order of the phases', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  for (let probe = 0; probe < 3; probe++) {
    const beganAt = path.nowMs;
    for (const phase of ['refill', 'up', 'down', 'cruise']) path.runUntil(phase);
    const tookMs = path.nowMs - beganAt;
    assert.ok(tookMs > 1500 && tookMs < 4500, `${tookMs} ms`);
  }
});

test('a path that carries more is found', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.controller.bounds.setLongTerm(BANDWIDTH_DELAY / 2);
  path.run(6000);
  assert.ok(path.controller.bounds.longTermInFlight > BANDWIDTH_DELAY, `${path.controller.bounds.longTermInFlight}`);
});

test('a loss of two in a hundred is not heeded, unless the RTT shows a queue', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.run(1200);
  const before = path.controller.windowBytes;
  path.lose(0.02 * BANDWIDTH_DELAY);
  path.run(60);
  assert.is(path.controller.windowBytes, before);
  path.rttExtraMs = 2 * RTT_MS;
  path.run(200);
  const inFlight = path.inFlight;
  path.lose(1452);
  assert.ok(path.controller.windowBytes < 0.9 * inFlight, `${path.controller.windowBytes} of ${inFlight}`);
});

test('losses of one flight are answered once', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.rttExtraMs = 2 * RTT_MS;
  path.run(200);
  path.lose(1452);
  const once = path.controller.bounds.longTermInFlight;
  for (let packet = 2; packet < 6; packet++) path.lose(1452, packet * 1452);
  assert.is(path.controller.bounds.longTermInFlight, once);
  path.lose(1452);
  assert.ok(path.controller.bounds.longTermInFlight < once);
});

test('after a loss in a queue the bound grows back in a few seconds, as that of CUBIC', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.rttExtraMs = 2 * RTT_MS;
  path.run(200);
  const inFlight = path.inFlight;
  path.lose(1452);
  const reduced = path.controller.bounds.longTermInFlight;
  path.run(500);
  const soon = path.controller.bounds.longTermInFlight;
  path.run(7000);
  const later = path.controller.bounds.longTermInFlight;
  assert.ok(reduced < soon && soon < later && later >= inFlight, `${reduced} ${soon} ${later} of ${inFlight}`);
});

test('a queue that others keep makes it look for the RTT of the path, with half of what the path holds in flight', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.rttExtraMs = 20;
  path.runUntil('probe-rtt', 12_000);
  path.run(300);
  assert.ok(path.inFlight <= 0.6 * BANDWIDTH_DELAY, `${path.inFlight} bytes`);
  path.runUntil('cruise');
});

test('heavy losses without a queue lower the rate until the next look for more', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.run(100);
  let lost = 0;
  path.run(200, () => {
    if (path.controller.phase === 'cruise') {
      path.lose(0.2 * RATE);
      lost += 1;
    }
  });
  assert.ok(lost > 0);
  assert.ok(path.controller.bounds.shortTermRate < RATE, `${path.controller.bounds.shortTermRate}`);
  path.runUntil('refill');
  assert.is(path.controller.bounds.shortTermRate, Number.POSITIVE_INFINITY);
});

test('after silence it begins anew', () => {
  const path = new ModelPath();
  path.runUntil('cruise');
  path.controller.onPersistentCongestion(path.nowMs);
  assert.is(path.controller.phase, 'startup');
  assert.is(path.controller.rateBytesPerMs, 0);
});

test.run();
