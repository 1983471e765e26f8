// The pursuit of configured peers against endpoints in virtual time: what is reached is left alone, however its address
// is written and wherever it answers from, and each of several members behind one address is reached.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../../src/base/clock.ts';
import { milliseconds } from '../../src/base/units.ts';
import { PeerPursuit } from '../../src/daemon/peer-pursuit.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { SimulatedNetwork, type SimulatedNode } from '../support/transport-network.ts';

const test = suite('peer pursuit');
const seed = seedOfRun();
const TURN_MS = 5;

/** Feeds a node's events to a pursuit of its own, as the driver does. */
function pursuitOf(network: SimulatedNetwork, node: SimulatedNode): PeerPursuit {
  const { endpoint } = node;
  const pursuit = new PeerPursuit({
    endpoint,
    random: seededRandom(seed),
    logger: silentLogger,
    now: () => milliseconds(network.now),
    isDualStack: () => true,
    wake: () => network.service(node),
  });
  const pollEvent = endpoint.pollEvent.bind(endpoint);
  endpoint.pollEvent = () => {
    const event = pollEvent();
    if (event?.kind === 'unreachable') pursuit.onUnreachable(event.peer, event.to);
    else if (event !== undefined) pursuit.onPaths(event.connection.peer);
    return event;
  };
  return pursuit;
}

/** Names are resolved in real time, between turns of the virtual one. */
async function pursue(network: SimulatedNetwork, pursuit: PeerPursuit, forMs: number): Promise<void> {
  for (const endsAt = network.now + forMs; network.now < endsAt; ) {
    pursuit.pursue(network.now);
    await new Promise((resolve) => setTimeout(resolve, 0));
    network.run(TURN_MS);
  }
}

test('an address that is written otherwise than the kernel writes it is reached once', async () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '2001:db8::2', keySeed: 2 });
  const pursuit = pursuitOf(network, a);
  pursuit.add({ host: '2001:DB8:0::2', port: b.at.port, publicKeys: [b.keyPair.publicKey] });
  await pursue(network, pursuit, 8000);
  assert.is(pursuit.status()[0]?.state, 'connected');
  assert.is(a.endpoint.counters().handshakesCompleted, 1);
});

test('a peer that answers from another address than it was asked at is reached once', async () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const asked = { address: '192.0.2.7', port: b.at.port };
  const inject = network.inject.bind(network);
  network.inject = (from, to, bytes, departs) => inject(from, to.address === asked.address ? b.at : to, bytes, departs);
  const pursuit = pursuitOf(network, a);
  pursuit.add({ host: asked.address, port: asked.port, publicKeys: [b.keyPair.publicKey] });
  await pursue(network, pursuit, 8000);
  assert.is(pursuit.status()[0]?.state, 'connected');
  assert.is(a.endpoint.counters().handshakesCompleted, 1);
  assert.is(a.connection?.paths.length, 1);
});

test('two members behind one address are both reached', async () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const members = [2, 3].map((keySeed) => network.addNode({ address: '10.0.0.9', keySeed }));
  for (const [index, member] of members.entries()) member.at = { address: '10.0.0.9', port: 7433 + index };
  const pursuit = pursuitOf(network, a);
  const publicKeys = members.map(({ keyPair }) => keyPair.publicKey);
  for (const { at } of members) pursuit.add({ host: at.address, port: at.port, publicKeys });
  await pursue(network, pursuit, 20_000);
  assert.equal(
    members.map(({ connection }) => connection !== undefined),
    [true, true],
  );
});

test.run();
