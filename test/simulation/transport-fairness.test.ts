// What several flows make of one bottleneck and its queue, in virtual time: `fair` beside a flow of TCP CUBIC, `fair`
// beside `fair`, and `fair` alone. Whoever begins first has the queue to itself for a while.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CongestionController } from '../../src/transport/congestion-controller.ts';
import { FairController } from '../../src/transport/fair-controller.ts';
import { RateLimit } from '../../src/transport/rate-limit.ts';
import { CubicController } from '../support/cubic-controller.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { type LinkConditions, SimulatedNetwork, type SimulatedNode } from '../support/transport-network.ts';

const test = suite('transport fairness');
const seed = seedOfRun();

/** 50 Mbit/s, 50 ms, a queue of one bandwidth-delay product. */
const WAN: Partial<LinkConditions> = { bytesPerMs: 6250, delayMs: 25, queueBytes: 312_500 };
const BLOCK = new Uint8Array(32 * 1024);
const AHEAD_BYTES = 4 * 1024 * 1024;
const CONNECT_MS = 5000;
/** UDP payload bytes of a block that are not the block's: headers, tags, acknowledgements. */
const OVERHEAD = 1.04;

type Kind = 'fair' | 'cubic';

interface Outcome {
  /** Of the link's rate, for each flow. */
  readonly shares: readonly number[];
  readonly lost: readonly number[];
}

const controllerOf = (kind: Kind, number: number): CongestionController =>
  kind === 'fair' ? new FairController(seededRandom(seed + number)) : new CubicController();

function send(network: SimulatedNetwork, node: SimulatedNode, sink: SimulatedNode): void {
  network.connect(node, sink);
  const connected = network.run(CONNECT_MS, () => node.connection !== undefined);
  const link = node.connection;
  if (!connected || link === undefined) throw new Error('the flow did not connect');
  const fill = (): void => {
    while (link.unacknowledgedBytes < AHEAD_BYTES) link.sendBlock(new Uint8Array(0), BLOCK);
  };
  node.onEvent = fill;
  fill();
  network.service(node);
}

/** Flows begin one after the other; what arrives counts once all have begun and `settlingMs` have passed. */
function compete(
  kinds: readonly Kind[],
  options: { apartMs?: number; settlingMs?: number; measuredMs: number; conditions?: Partial<LinkConditions> },
): Outcome {
  const network = new SimulatedNetwork(seed);
  Object.assign(network.conditions, { ...WAN, ...options.conditions });
  network.latenessMs = 3;
  network.sharesQueues = true;
  const sink = network.addNode({ address: '10.0.0.100', keySeed: 100 });
  const received = new Map<string, number>();
  sink.onEvent = (event, connection) => {
    const key = Buffer.from(connection.peer).toString('hex');
    if (event.kind === 'block') received.set(key, (received.get(key) ?? 0) + event.body.length);
    sink.blocks.length = 0;
  };
  const nodes = kinds.map((kind, index) =>
    network.addNode({
      address: `10.0.0.${index + 1}`,
      keySeed: index + 1,
      createController: () => controllerOf(kind, index),
    }),
  );
  for (const [index, node] of nodes.entries()) {
    if (index > 0) network.run(options.apartMs ?? 0);
    send(network, node, sink);
  }
  network.run(options.settlingMs ?? 0);
  const keys = nodes.map((node) => Buffer.from(node.keyPair.publicKey).toString('hex'));
  const before = keys.map((key) => received.get(key) ?? 0);
  network.run(options.measuredMs);
  const capacity = network.conditions.bytesPerMs * options.measuredMs;
  return {
    shares: keys.map((key, index) => (((received.get(key) ?? 0) - (before[index] ?? 0)) * OVERHEAD) / capacity),
    lost: nodes.map((node) => {
      const statistics = node.connection?.statistics();
      return (statistics?.packetsLost ?? 0) / Math.max(1, statistics?.packetsSent ?? 0);
    }),
  };
}

const describe = (outcome: Outcome): string => JSON.stringify(outcome);

const jain = (shares: readonly number[]): number =>
  shares.reduce((sum, share) => sum + share, 0) ** 2 /
  (shares.length * shares.reduce((sum, share) => sum + share * share, 0));

for (const kinds of [
  ['fair', 'cubic'],
  ['cubic', 'fair'],
] as const) {
  test(`fair and cubic share a queue, ${kinds[0]} first`, () => {
    const outcome = compete(kinds, { apartMs: 500, measuredMs: 60_000, settlingMs: 5000 });
    const together = outcome.shares.reduce((sum, share) => sum + share, 0);
    for (const share of outcome.shares) {
      assert.ok(share / together > 0.25 && share / together < 0.75, describe(outcome));
    }
    assert.ok(together > 0.93, describe(outcome));
  });
}

test('two fair flows share a queue', () => {
  const outcome = compete(['fair', 'fair'], { apartMs: 2000, settlingMs: 15_000, measuredMs: 30_000 });
  assert.ok(jain(outcome.shares) > 0.9, describe(outcome));
});

test('a fair flow alone fills a clean link and loses hardly a packet', () => {
  const outcome = compete(['fair'], { settlingMs: 2000, measuredMs: 15_000 });
  assert.ok((outcome.shares[0] ?? 0) > 0.97, describe(outcome));
  assert.ok((outcome.lost[0] ?? 1) < 0.02, describe(outcome));
});

for (const loss of [0.01, 0.015]) {
  test(`a fair flow fills a link that loses ${100 * loss} % at random`, () => {
    const outcome = compete(['fair'], { settlingMs: 3000, measuredMs: 12_000, conditions: { loss } });
    assert.ok((outcome.shares[0] ?? 0) > 0.88, describe(outcome));
  });
}

test('what losses above the threshold say is heeded: a fair flow does not go on losing a tenth', () => {
  const outcome = compete(['fair'], { measuredMs: 20_000, conditions: { queueBytes: 15_000 } });
  assert.ok((outcome.lost[0] ?? 1) < 0.05, describe(outcome));
  assert.ok((outcome.shares[0] ?? 0) > 0.75, describe(outcome));
});

/** Bytes of blocks that each of several peers gets of one node in so many milliseconds, and bytes put on the wire. */
function sendLimited(
  limit: RateLimit,
  options: { peers: number; measuredMs: number; latenessMs?: number },
): { received: number[]; wire: number } {
  const network = new SimulatedNetwork(seed);
  network.latenessMs = options.latenessMs ?? 3;
  const sender = network.addNode({ address: '10.0.0.1', keySeed: 1, rateLimit: limit });
  const received = new Array<number>(options.peers).fill(0);
  const peers = received.map((_, index) => {
    const node = network.addNode({ address: `10.0.1.${index + 1}`, keySeed: index + 2 });
    node.onEvent = (event) => {
      if (event.kind === 'block') received[index] = (received[index] ?? 0) + event.body.length;
      node.blocks.length = 0;
    };
    network.connect(sender, node);
    return node;
  });
  network.run(CONNECT_MS, () => peers.every((node) => node.connection !== undefined));
  const fill = (): void => {
    for (const link of sender.connections) {
      while (link.unacknowledgedBytes < AHEAD_BYTES) link.sendBlock(new Uint8Array(0), BLOCK);
    }
  };
  sender.onEvent = fill;
  fill();
  network.service(sender);
  network.run(1000);
  received.fill(0);
  const sent = (): number => sender.connections.reduce((sum, link) => sum + link.statistics().bytesSent, 0);
  const before = sent();
  network.run(options.measuredMs);
  return { received, wire: sent() - before };
}

test('a rate limit bounds what goes to all peers together, uses it up, and is shared evenly', () => {
  const bytesPerMs = 500;
  const { received, wire } = sendLimited(new RateLimit(bytesPerMs), { peers: 3, measuredMs: 10_000 });
  const allowed = bytesPerMs * 10_000;
  assert.ok(wire < allowed, `${wire} of ${allowed}`);
  assert.ok(wire > 0.9 * allowed, `${wire} of ${allowed}`);
  assert.ok(jain(received) > 0.95, JSON.stringify(received));
});

test('a rate limit of a few packets at a time is shared evenly too, by event loops that are never late', () => {
  for (const peers of [2, 4]) {
    const { received } = sendLimited(new RateLimit(50), { peers, measuredMs: 40_000, latenessMs: 0 });
    assert.ok(jain(received) > 0.95, JSON.stringify(received));
  }
});

test('a limit that is lifted leaves the path to the congestion controller, which finds its rate', () => {
  const limit = new RateLimit(200);
  sendLimited(limit, { peers: 1, measuredMs: 1 });
  const network = new SimulatedNetwork(seed);
  const from = network.addNode({ address: '10.0.0.1', keySeed: 1, rateLimit: limit });
  const to = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  let received = 0;
  to.onEvent = (event) => {
    if (event.kind === 'block') received += event.body.length;
    to.blocks.length = 0;
  };
  send(network, from, to);
  network.run(5000);
  assert.ok(received < 200 * 5000, `${received} bytes`);
  limit.bytesPerMs = undefined;
  network.run(1000);
  received = 0;
  network.run(3000);
  assert.ok((received * OVERHEAD) / (network.conditions.bytesPerMs * 3000) > 0.9, `${received} bytes`);
});

test.run();
