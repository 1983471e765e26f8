// Whole transports over a bad network in virtual time: what is sent arrives exactly once and in order, whatever the
// network does, and at the rate that the link has.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Connection } from '../../src/transport/connection.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { connectedPair, type LinkConditions, type SimulatedNode } from '../support/transport-network.ts';

const test = suite('transport delivery');
const seed = seedOfRun();

const MIB = 1024 * 1024;

/** Numbered messages and blocks whose content follows from their number. */
const contentOf = (number: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (number * 31 + index * 7) & 0xff;
  if (length >= 4) new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
};

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

const lengthOf = (number: number): number => 4 + ((number * 7919) % (number % 9 === 0 ? 30_000 : 300));

const sendNumbered = (link: Connection, from: number, to: number): void => {
  for (let number = from; number < to; number++) {
    link.sendMessage(number % 3 === 0 ? 'control' : 'operations', contentOf(number, lengthOf(number)));
    link.sendBlock(contentOf(number, 4), contentOf(number, lengthOf(number) * 3));
  }
};

/** Everything once, whole, and messages in order per channel. */
const checkNumbered = (node: SimulatedNode, count: number): void => {
  for (const channel of ['control', 'operations']) {
    const numbers = node.messages.filter((message) => message.channel === channel).map(({ bytes }) => numberOf(bytes));
    const expected = Array.from({ length: count }, (_, number) => number).filter(
      (number) => (number % 3 === 0) === (channel === 'control'),
    );
    assert.equal(numbers, expected);
  }
  assert.ok(
    node.messages.every(({ bytes }) => {
      const number = numberOf(bytes);
      return Buffer.compare(bytes, contentOf(number, lengthOf(number))) === 0;
    }),
  );
  const blocks = node.blocks.map(({ header }) => numberOf(header)).sort((left, right) => left - right);
  assert.equal(
    blocks,
    Array.from({ length: count }, (_, number) => number),
  );
  for (const { header, body } of node.blocks) {
    const number = numberOf(header);
    assert.ok(Buffer.compare(body, contentOf(number, lengthOf(number) * 3)) === 0);
  }
};

const NETWORKS: Record<string, Partial<LinkConditions>> = {
  'a good link': {},
  'a lossy link': { loss: 0.1 },
  'a very lossy link': { loss: 0.35 },
  'a reordering link': { jitterMs: 30 },
  'a duplicating link': { duplication: 0.5, jitterMs: 5 },
  'a corrupting link': { corruption: 0.1 },
  'a slow link': { bytesPerMs: 50, delayMs: 200, queueBytes: 20_000 },
  'a fast long link': { bytesPerMs: 100_000, delayMs: 150 },
  'a shallow queue': { bytesPerMs: 5000, queueBytes: 10_000 },
  'a small MTU': { mtu: 1200, loss: 0.05 },
  everything: { loss: 0.1, jitterMs: 20, duplication: 0.1, corruption: 0.05, bytesPerMs: 2000 },
};

for (const [name, conditions] of Object.entries(NETWORKS)) {
  test(`every message and block arrives exactly once, in order per channel, over ${name}`, () => {
    const { network, a, b, link, back } = connectedPair(seed, { conditions });
    const count = 120;
    sendNumbered(link, 0, count);
    sendNumbered(back, 0, count);
    network.service(a);
    network.service(b);
    const settled = () => link.unacknowledgedBytes === 0 && back.unacknowledgedBytes === 0;
    assert.ok(network.run(600_000, settled), 'all is acknowledged');
    network.run(2000);
    checkNumbered(a, count);
    checkNumbered(b, count);
    assert.not(link.closed);
    assert.not(back.closed);
    assert.ok(a.drains > 0);
    const counters = b.endpoint.counters();
    if ((conditions.corruption ?? 0) > 0) assert.ok(counters.badTag > 0);
    if ((conditions.duplication ?? 0) > 0) assert.ok(counters.replayed > 0);
    assert.is(counters.malformedFrame, 0);
  });
}

test('an hour of changing weather loses and repeats nothing', () => {
  const random = seededRandom(seed);
  const { network, a, b, link, back } = connectedPair(seed);
  let count = 0;
  for (let minute = 0; minute < 60; minute++) {
    Object.assign(network.conditions, {
      delayMs: random.below(120),
      jitterMs: random.unit() < 0.3 ? random.below(40) : 0,
      loss: random.unit() < 0.3 ? random.unit() * 0.4 : 0.01,
      corruption: random.unit() < 0.2 ? 0.1 : 0,
      bytesPerMs: 50 + random.below(3000),
      cut: random.unit() < 0.1,
    });
    const more = random.below(8);
    sendNumbered(link, count, count + more);
    sendNumbered(back, count, count + more);
    count += more;
    network.service(a);
    network.service(b);
    network.run(network.conditions.cut ? 20_000 : 60_000);
    network.conditions.cut = false;
    network.run(2000);
    assert.not(link.closed, `minute ${minute}`);
    assert.not(back.closed, `minute ${minute}`);
  }
  Object.assign(network.conditions, { loss: 0, bytesPerMs: 5000 });
  assert.ok(network.run(120_000, () => link.unacknowledgedBytes === 0 && back.unacknowledgedBytes === 0));
  network.run(1000);
  checkNumbered(a, count);
  checkNumbered(b, count);
});

/** Bytes per ms of `megabytes` sent as blocks. */
const goodput = (conditions: Partial<LinkConditions>, megabytes: number): number => {
  const { network, a, b, link } = connectedPair(seed, { conditions });
  const body = new Uint8Array(MIB);
  for (let count = 0; count < megabytes; count++) link.sendBlock(Uint8Array.of(count), body);
  const startedAt = network.now;
  network.service(a);
  assert.ok(network.run(600_000, () => b.blocks.length === megabytes));
  return (megabytes * MIB) / (network.now - startedAt);
};

test('a clean link is used by at least 75 % of its rate, a link that loses 5 % at random by 60 %', () => {
  const link = { bytesPerMs: 5000, delayMs: 20, queueBytes: 400_000 };
  const clean = goodput(link, 20);
  const lossy = goodput({ ...link, loss: 0.05 }, 20);
  console.log(`clean ${Math.round((clean / 5000) * 100)} %, lossy ${Math.round((lossy / 5000) * 100)} %`);
  assert.ok(clean > 0.75 * 5000, `clean: ${clean} bytes/ms`);
  assert.ok(lossy > 0.6 * 5000, `lossy: ${lossy} bytes/ms`);
});

test('acknowledgements cost under 1 % of what they acknowledge', () => {
  const { network, a, b, link, back } = connectedPair(seed);
  const body = new Uint8Array(MIB);
  for (let count = 0; count < 10; count++) link.sendBlock(Uint8Array.of(count), body);
  network.service(a);
  assert.ok(network.run(60_000, () => b.blocks.length === 10));
  const headers = 28 * back.statistics().packetsSent;
  assert.ok(back.statistics().bytesSent + headers < 10 * MIB * 0.01, `${back.statistics().bytesSent + headers} bytes`);
});

test('packets cost at most 44 bytes beside the block bytes they carry', () => {
  const { network, a, link } = connectedPair(seed);
  const send = (): boolean => {
    link.sendBlock(new Uint8Array(0), new Uint8Array(4 * MIB));
    network.service(a);
    return network.run(60_000, () => link.unacknowledgedBytes === 0);
  };
  assert.ok(send(), 'the path is known');
  const before = link.statistics();
  assert.ok(send());
  const after = link.statistics();
  const packets = after.packetsSent - before.packetsSent - (after.packetsLost - before.packetsLost);
  const lost = (after.packetsLost - before.packetsLost) * after.datagramBytes;
  assert.ok(after.bytesSent - before.bytesSent - lost - 4 * MIB <= 44 * packets);
});

test('keys are ratcheted on the way without losing anything', () => {
  const options = { ratchetPackets: 40 };
  const { network, a, b, link } = connectedPair(seed, {
    a: options,
    b: options,
    conditions: { loss: 0.05, jitterMs: 3 },
  });
  sendNumbered(link, 0, 100);
  network.service(a);
  assert.ok(network.run(300_000, () => link.unacknowledgedBytes === 0));
  network.run(1000);
  assert.ok(link.statistics().packetsSent > 400);
  checkNumbered(b, 100);
});

test('a receiver that does not read holds at most its windows, and goes on when it reads', () => {
  const { network, a, b, link } = connectedPair(seed, { conditions: { bytesPerMs: 100_000, delayMs: 1 } });
  const body = new Uint8Array(MIB);
  b.reading = false;
  for (let count = 0; count < 50; count++) link.sendBlock(Uint8Array.of(count), body);
  for (let count = 0; count < 50; count++) link.sendMessage('operations', body);
  network.service(a);
  network.run(20_000);
  assert.not(link.closed);
  const held = 100 * MIB - link.unacknowledgedBytes;
  assert.ok(held > 40 * MIB && held <= 49 * MIB, `${held} bytes are held`);
  b.reading = true;
  network.service(b);
  assert.ok(network.run(60_000, () => b.blocks.length === 50 && b.messages.length === 50));
});

test.run();
