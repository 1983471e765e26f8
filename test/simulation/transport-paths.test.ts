// Several paths between two peers, and new keys for a path, in virtual time: what they add up to, what is lost when one is
// cut or dies, how it comes back, and who makes it when both want to.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { goodLink, SimulatedNetwork } from '../support/transport-network.ts';
import { bothHave, join, joined, type Pair, SECOND_A, SECOND_B, twoLinks, WAN } from '../support/two-links.ts';

const test = suite('transport paths');
const seed = seedOfRun();

const BLOCK_BYTES = 32 * 1024;
const AHEAD_BYTES = 8 * 1024 * 1024;
const REKEY_MS = 120_000;

interface Transfer {
  /** Bytes of blocks received so far, each block once. */
  readonly received: () => number;
  /** The longest time in which nothing was received. */
  readonly longestGapMs: () => number;
}

/** Keeps a sending numbered blocks; fails at a block that comes twice or is not what was sent. */
function transfer({ network, a, b, link }: Pair, blockBytes = BLOCK_BYTES): Transfer {
  const body = seededRandom(seed).bytes(blockBytes);
  const seen = new Set<number>();
  let sent = 0;
  let lastAt = network.now;
  let gapMs = 0;
  b.onEvent = (event) => {
    if (event.kind !== 'block') return;
    const number = Buffer.from(event.header).readUInt32LE(0);
    assert.not.ok(seen.has(number), 'a block is delivered once');
    assert.equal(Buffer.compare(event.body, body), 0);
    seen.add(number);
    gapMs = Math.max(gapMs, network.now - lastAt);
    lastAt = network.now;
    b.blocks.length = 0;
  };
  const fill = (): void => {
    while (link.unacknowledgedBytes < AHEAD_BYTES) {
      const header = Buffer.alloc(4);
      header.writeUInt32LE(sent);
      link.sendBlock(header, body);
      sent += 1;
    }
  };
  a.onEvent = fill;
  fill();
  network.service(a);
  return { received: () => seen.size * blockBytes, longestGapMs: () => Math.max(gapMs, network.now - lastAt) };
}

/** Bytes a millisecond, once settled. */
function rateOf(pair: Pair, flow: Transfer, settlingMs = 3000, measuredMs = 5000): number {
  pair.network.run(settlingMs);
  const before = flow.received();
  pair.network.run(measuredMs);
  return (flow.received() - before) / measuredMs;
}

test('two links carry nearly twice what one does', () => {
  const alone = twoLinks(seed);
  const one = rateOf(alone, transfer(alone));
  const pair = joined(seed);
  const two = rateOf(pair, transfer(pair));
  assert.ok(two > 1.9 * one, `${one} alone, ${two} together`);
  assert.is(pair.a.connections.length, 1, 'it is one connection');
});

test('links of different speed and delay are both used', () => {
  const pair = twoLinks(seed);
  Object.assign(pair.second, { bytesPerMs: 625, delayMs: 100 });
  join(pair);
  assert.ok(
    pair.network.run(3000, () => bothHave(pair, 2)),
    'the second path joins',
  );
  const rate = rateOf(pair, transfer(pair));
  assert.ok(rate > 0.88 * (2500 + 625), `${rate}`);
});

test('a link that is cut in a transfer leaves no gap, and what it carried arrives by the other', () => {
  for (const which of [0, 1]) {
    const pair = joined(seed);
    const flow = transfer(pair);
    pair.network.run(4000);
    const before = flow.received();
    const cut = which === 0 ? pair.network.conditions : pair.second;
    cut.cut = true;
    // Longer than the windows last that were granted before.
    pair.network.run(20_000);
    assert.ok(flow.longestGapMs() < 500, `a gap of ${flow.longestGapMs()} ms`);
    assert.ok(flow.received() - before > 0.9 * 20_000 * 2500, 'the other link goes on');
    assert.is(pair.a.closures.length, 0);
    cut.cut = false;
    const rate = rateOf(pair, flow);
    assert.ok(rate > 0.85 * 5000, `both are used again: ${rate}`);
  }
});

test('a message in flight on a link that is cut arrives within three probe timeouts', () => {
  const pair = joined(seed);
  const { network, a, b, link } = pair;
  network.run(2000);
  // The control channel takes the fastest path: make it the second one, and cut that.
  pair.second.delayMs = 5;
  for (let count = 0; count < 20; count++) {
    link.sendMessage('control', new Uint8Array(10));
    network.service(a);
    network.run(100);
  }
  pair.second.cut = true;
  b.messages.length = 0;
  link.sendMessage('control', Uint8Array.of(42));
  network.service(a);
  const sentAt = network.now;
  assert.ok(
    network.run(1000, () => b.messages.length === 1),
    'the message arrives',
  );
  assert.ok(network.now - sentAt < 350, `after ${network.now - sentAt} ms`);
});

test('what was in flight on a link when all were cut arrives by the one that returns', () => {
  const pair = joined(seed);
  const { network, a, b, link } = pair;
  network.run(1000);
  const sent = 100;
  for (let count = 0; count < sent; count++) link.sendBlock(new Uint8Array(0), new Uint8Array(BLOCK_BYTES));
  network.service(a);
  network.run(200);
  network.conditions.cut = true;
  network.run(200);
  pair.second.cut = true;
  network.run(3000);
  assert.ok(b.blocks.length < sent, 'it was cut in the middle');
  network.conditions.cut = false;
  assert.ok(
    network.run(5000, () => b.blocks.length === sent),
    `${b.blocks.length} of ${sent} arrived`,
  );
});

test('a path that stays silent is dropped after 30 s, the connection stays, and a new path can be made', () => {
  const pair = joined(seed);
  const flow = transfer(pair);
  pair.network.run(2000);
  pair.second.cut = true;
  assert.ok(
    pair.network.run(45_000, () => bothHave(pair, 1)),
    'both ends drop it',
  );
  pair.second.cut = false;
  join(pair);
  assert.ok(pair.network.run(3000, () => bothHave(pair, 2)));
  const rate = rateOf(pair, flow);
  assert.ok(rate > 0.85 * 5000, `${rate}`);
  assert.is(pair.a.connections.length, 1);
});

test('a connection ends when all of its paths are silent', () => {
  const pair = joined(seed);
  pair.link.sendMessage('control', Uint8Array.of(1));
  pair.network.service(pair.a);
  pair.network.run(100);
  pair.network.conditions.cut = true;
  pair.second.cut = true;
  pair.link.sendMessage('control', Uint8Array.of(2));
  pair.network.service(pair.a);
  assert.ok(
    pair.network.run(90_000, () => pair.a.closures.length === 1),
    'it ends',
  );
  assert.equal(pair.a.closures, ['timeout']);
});

test('both ends ask for the same path at once, and get one', () => {
  for (let round = 0; round < 20; round++) {
    const pair = twoLinks(seed + round);
    join(pair);
    if (round % 4 > 0) pair.network.run(round);
    join(pair, 'b');
    pair.network.run(12_000);
    assert.ok(bothHave(pair, 2), `${pair.link.paths.length} and ${pair.back.paths.length} paths, round ${round}`);
    const flow = transfer(pair);
    assert.ok(rateOf(pair, flow) > 0.9 * 5000, `round ${round}`);
  }
});

test('a path that is asked for before the connection’s first packet arrives joins it', () => {
  const network = new SimulatedNetwork(seed);
  Object.assign(network.conditions, WAN);
  network.conditionsTo.set('10.0.1', { ...goodLink(), delayMs: 1 });
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  a.alsoAt.push(SECOND_A);
  b.alsoAt.push(SECOND_B);
  network.connect(a, b);
  assert.ok(
    network.run(3000, () => a.connection !== undefined),
    'the answer is there',
  );
  network.connect(a, b, new Uint8Array(0), SECOND_B);
  assert.ok(network.run(3000, () => b.connection?.paths.length === 2 && a.connection?.paths.length === 2));
  assert.equal([a.connections.length, b.connections.length], [1, 1]);
  assert.equal([a.closures.length, b.closures.length], [0, 0]);
});

test('a peer that has forgotten the connection answers a request for a path with a new connection', () => {
  const { network, a, b, link } = twoLinks(seed);
  network.removeNode(b);
  const reborn = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  reborn.alsoAt.push(SECOND_B);
  network.connect(a, b, new Uint8Array(0), SECOND_B);
  assert.ok(
    network.run(3000, () => reborn.connection !== undefined && a.connection !== link),
    'it connects anew',
  );
  assert.ok(link.closed);
  a.connection?.sendMessage('control', Uint8Array.of(7));
  network.service(a);
  assert.ok(network.run(1000, () => reborn.messages.length === 1));
});

test('a path gets new keys every two minutes while data moves, without a loss or a pause', () => {
  const pair = twoLinks(seed, { ...WAN, bytesPerMs: 250, queueBytes: 25_000 });
  const flow = transfer(pair, 4096);
  pair.network.run(4000);
  const before = { lost: pair.link.statistics().packetsLost, received: flow.received() };
  pair.network.run(3 * REKEY_MS + 5000);
  assert.ok(flow.longestGapMs() < 500, `a gap of ${flow.longestGapMs()} ms`);
  for (const node of [pair.a, pair.b]) {
    const { keysRenewed, badTag, replayed } = node.endpoint.counters();
    assert.is(keysRenewed, 3);
    assert.is(badTag + replayed, 0);
    assert.is(node.closures.length, 0);
    assert.is(node.endpoint.footprint.connections, 1, 'the old keys are gone');
  }
  assert.ok(flow.received() - before.received > 0.9 * 3 * REKEY_MS * 250);
  const lost = pair.link.statistics().packetsLost - before.lost;
  assert.ok(lost < 0.01 * pair.link.statistics().packetsSent, `${lost} packets lost`);
});

test('new keys come although packets and handshakes are lost, late and out of order', () => {
  const harsh = { bytesPerMs: 100, queueBytes: 50_000, loss: 0.1, jitterMs: 40, duplication: 0.05, corruption: 0.01 };
  const pair = twoLinks(seed, harsh);
  const flow = transfer(pair);
  pair.network.run(3 * REKEY_MS);
  const { keysRenewed } = pair.a.endpoint.counters();
  assert.ok(keysRenewed >= 2, `${keysRenewed} renewals`);
  assert.ok(flow.longestGapMs() < 3000, `a gap of ${flow.longestGapMs()} ms`);
  assert.is(pair.a.closures.length, 0);
});

test('an idle connection asks for no new keys', () => {
  const { network, a, b, link } = twoLinks(seed);
  network.run(10 * REKEY_MS);
  for (const node of [a, b]) assert.is(node.endpoint.counters().keysRenewed, 0);
  link.sendMessage('control', Uint8Array.of(1));
  network.service(a);
  const sentAt = network.now;
  assert.ok(network.run(1000, () => b.messages.length === 1));
  assert.ok(network.now - sentAt < 30, 'and what it then has to say does not wait for them');
  network.run(1000);
  assert.is(a.endpoint.counters().keysRenewed, 1);
});

test.run();
