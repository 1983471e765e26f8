// What congestion control makes of links: how much of the rate arrives, how much is lost on the way, and how long the
// queue is, in virtual time, with event loops that come late as real ones do.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_WINDOW_BYTES_MAX } from '../../src/base/limits.ts';
import { BandwidthController } from '../../src/transport/bandwidth-controller.ts';
import { BLOCK_WINDOW_BYTES } from '../../src/transport/constants.ts';
import { FairController } from '../../src/transport/fair-controller.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { connectedPair, type LinkConditions } from '../support/transport-network.ts';

const test = suite('transport congestion');
const seed = seedOfRun();

const BLOCK = new Uint8Array(32 * 1024);
const AHEAD_BYTES = 8 * 1024 * 1024;
const SETTLING_MS = 2000;
const MEASURED_MS = 8000;
const LOOKS = 80;
/** UDP payload bytes of a block that are not the block's: headers, tags, acknowledgements. */
const OVERHEAD = 1.04;

interface Outcome {
  /** Of the link's rate, once settled. */
  readonly share: number;
  /** Of the packets sent, once settled and from the beginning. */
  readonly lost: number;
  readonly lostInAll: number;
  /** On average, once settled. */
  readonly queueMs: number;
}

function transfer(conditions: Partial<LinkConditions>, busyMs = 0): Outcome {
  const { network, a, b, link } = connectedPair(seed, { conditions });
  network.latenessMs = 3;
  network.busyMs = busyMs;
  let received = 0;
  b.onEvent = (event) => {
    if (event.kind === 'block') received += event.body.length;
    b.blocks.length = 0;
  };
  const fill = (): void => {
    while (link.unacknowledgedBytes < AHEAD_BYTES) link.sendBlock(new Uint8Array(0), BLOCK);
  };
  a.onEvent = fill;
  fill();
  network.service(a);
  network.run(SETTLING_MS);
  const [before, receivedBefore] = [link.statistics(), received];
  let queueMs = 0;
  for (let look = 0; look < LOOKS; look++) {
    network.run(MEASURED_MS / LOOKS);
    const { smoothedRttMs, minimumRttMs } = link.statistics();
    queueMs += (smoothedRttMs - minimumRttMs) / LOOKS;
  }
  const after = link.statistics();
  const { bytesPerMs } = network.conditions;
  return {
    share: ((received - receivedBefore) * OVERHEAD) / (bytesPerMs * MEASURED_MS),
    lost: (after.packetsLost - before.packetsLost) / (after.packetsSent - before.packetsSent),
    lostInAll: after.packetsLost / after.packetsSent,
    queueMs,
  };
}

const describe = (outcome: Outcome): string => JSON.stringify(outcome);

test('a clean link is filled without a loss once it is known, and without a standing queue', () => {
  const outcome = transfer({ bytesPerMs: 2500, delayMs: 25, queueBytes: 125_000 });
  assert.ok(outcome.share > 0.95, describe(outcome));
  assert.ok(outcome.lost < 0.002, describe(outcome));
  assert.ok(outcome.lostInAll < 0.02, describe(outcome));
  assert.ok(outcome.queueMs < 12, describe(outcome));
});

test('a queue of 4 ms is enough: the link is filled, and little is lost on the way there', () => {
  const outcome = transfer({ bytesPerMs: 2500, delayMs: 25, queueBytes: 10_000 });
  assert.ok(outcome.share > 0.92, describe(outcome));
  assert.ok(outcome.lost < 0.02, describe(outcome));
  assert.ok(outcome.lostInAll < 0.04, describe(outcome));
});

test('losses at random do not slow a transfer', () => {
  const outcome = transfer({ bytesPerMs: 2500, delayMs: 40, queueBytes: 200_000, loss: 0.03 });
  assert.ok(outcome.share > 0.9, describe(outcome));
  assert.ok(outcome.lost > 0.02 && outcome.lost < 0.04, describe(outcome));
});

test('a short link is filled although event loops come later than its round trip', () => {
  const outcome = transfer({ bytesPerMs: 10_000, delayMs: 0.5, queueBytes: 64_000 });
  assert.ok(outcome.share > 0.9, describe(outcome));
  assert.ok(outcome.lost < 0.03, describe(outcome));
});

/** Of the link's rate, ten round trips after it came back. */
const REFILLED = { bulk: 0.85, fair: 0.6 };

for (const profile of ['bulk', 'fair'] as const) {
  test(`after a link was cut for seconds it is filled again within moments: ${profile}`, () => {
    for (const [bytesPerMs, delayMs] of [
      [12_500, 25],
      [250, 40],
    ] as const) {
      const share = shareAfterCut(profile, bytesPerMs, delayMs);
      assert.ok(share > REFILLED[profile], `${bytesPerMs} bytes a millisecond: ${share}`);
    }
  });
}

function shareAfterCut(profile: 'bulk' | 'fair', bytesPerMs: number, delayMs: number): number {
  const createController = () =>
    profile === 'bulk' ? new BandwidthController() : new FairController(seededRandom(seed));
  const { network, a, b, link } = connectedPair(seed, {
    a: { createController },
    conditions: { bytesPerMs, delayMs, queueBytes: 2 * bytesPerMs * delayMs },
  });
  let received = 0;
  b.onEvent = (event) => {
    if (event.kind === 'block') received += event.body.length;
    b.blocks.length = 0;
  };
  const fill = (): void => {
    while (link.unacknowledgedBytes < AHEAD_BYTES) link.sendBlock(new Uint8Array(0), new Uint8Array(8 * 1024));
  };
  a.onEvent = fill;
  fill();
  network.service(a);
  network.run(SETTLING_MS);
  network.conditions.cut = true;
  network.run(5000);
  network.conditions.cut = false;
  // A probe goes out every second.
  network.run(1000 + 10 * 2 * delayMs);
  const before = received;
  network.run(1000);
  return ((received - before) * OVERHEAD) / (bytesPerMs * 1000);
}

for (const profile of ['bulk', 'fair'] as const) {
  test(`where the peer has moved, a search begins that the losses of its old address do not end: ${profile}`, () => {
    const createController = () =>
      profile === 'bulk' ? new BandwidthController() : new FairController(seededRandom(seed));
    const { network, a, b, link, back } = connectedPair(seed, {
      a: { createController },
      conditions: { bytesPerMs: 5000, delayMs: 50, queueBytes: 500_000 },
    });
    let received = 0;
    b.onEvent = (event) => {
      if (event.kind === 'block') received += event.body.length;
      b.blocks.length = 0;
    };
    const fill = (): void => {
      while (link.unacknowledgedBytes < AHEAD_BYTES) link.sendBlock(new Uint8Array(0), BLOCK);
    };
    a.onEvent = fill;
    fill();
    network.service(a);
    network.run(SETTLING_MS);
    b.at = { address: '10.0.0.77', port: b.at.port };
    back.sendMessage('control', Uint8Array.of(1));
    network.service(b);
    network.run(2000);
    const before = received;
    network.run(1000);
    const share = ((received - before) * OVERHEAD) / (5000 * 1000);
    assert.ok(share > 0.8, `${share} of the link in the third second`);
  });
}

test('event loops that do something else for a while are not taken for the path', () => {
  const outcome = transfer({ bytesPerMs: 12_500, delayMs: 25, queueBytes: 625_000 }, 40);
  assert.ok(outcome.share > 0.93, describe(outcome));
  assert.ok(outcome.lost < 0.005, describe(outcome));
  assert.ok(outcome.queueMs < 8, describe(outcome));
});

test('a link that holds more than the first window is filled, and an application that does not read bounds it', () => {
  const conditions = { mtu: 9000, delayMs: 150, bytesPerMs: 125_000, queueBytes: 37_500_000 };
  const { network, a, b, link, back } = connectedPair(seed, { conditions });
  let received = 0;
  b.onEvent = (event) => {
    if (event.kind === 'block') received += event.body.length;
    b.blocks.length = 0;
  };
  const block = new Uint8Array(1024 * 1024);
  const fill = (): void => {
    while (link.unacknowledgedBytes < link.windowBytes) link.sendBlock(new Uint8Array(0), block);
  };
  a.onEvent = (event) => {
    if (event.kind === 'drain') fill();
  };
  fill();
  network.service(a);
  network.run(4500);
  const before = received;
  network.run(1500);
  const share = (received - before) / (1500 * conditions.bytesPerMs);
  assert.ok(share > 0.8, `${share} of the link`);
  b.reading = false;
  const readBefore = received;
  network.run(3000);
  b.reading = true;
  b.takeEvents();
  const unread = received - readBefore;
  assert.ok(unread > BLOCK_WINDOW_BYTES, `${unread} bytes: the window had grown`);
  assert.ok(unread <= BLOCK_WINDOW_BYTES_MAX, `${unread} bytes unread`);
  assert.not(link.closed || back.closed);
});

test.run();
