// Strangers and attackers in virtual time: nothing that is not authentic changes anything, everything dropped is counted
// by reason, and memory does not grow.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSES_MAX,
  DATAGRAM_BYTES_MIN,
  INITIATIONS_PER_SECOND_MAX,
  LOADED_INITIATIONS_BURST,
  LOADED_INITIATIONS_PER_SECOND_MAX,
  RESETS_BURST,
  RESETS_PER_SECOND_MAX,
} from '../../src/transport/constants.ts';
import { macOf } from '../../src/transport/cookie-jar.ts';
import type { CounterName } from '../../src/transport/counters.ts';
import { macKeyOf } from '../../src/transport/handshake.ts';
import { seededRandom, seedOfRun } from '../support/seeded-random.ts';
import { connectedPair, type NodeOptions, SimulatedNetwork, type SimulatedNode } from '../support/transport-network.ts';

const test = suite('transport attacks');
const seed = seedOfRun();

const deliver = (node: SimulatedNode, bytes: Uint8Array, network: SimulatedNetwork, address = '10.6.6.6'): void => {
  const datagrams = new Uint32Array([0, bytes.length, 0]);
  node.endpoint.handleDatagrams(
    { bytes, datagrams, ages: new Uint32Array(1), sources: [{ address, port: 666 }] },
    network.now,
  );
};

const refusals: Record<string, { a?: Partial<NodeOptions>; b?: Partial<NodeOptions>; counter: CounterName }> = {
  'another volume secret': { a: { volumeSecret: new Uint8Array(32).fill(1) }, counter: 'badProof' },
  'another volume id': { a: { volumeId: new Uint8Array(16).fill(1) }, counter: 'badHandshake' },
  'a key that is not allowed': { b: { authorize: () => 'refuse' }, counter: 'refusedKey' },
};

for (const [name, { a: changesOfA, b: changesOfB, counter }] of Object.entries(refusals)) {
  test(`${name} is refused, counted and remembered nowhere`, () => {
    const network = new SimulatedNetwork(seed);
    const a = network.addNode({ address: '10.0.0.1', keySeed: 1, ...changesOfA });
    const b = network.addNode({ address: '10.0.0.2', keySeed: 2, ...changesOfB });
    network.connect(a, b);
    network.run(20_000);
    assert.is(a.connections.length, 0);
    assert.is(b.connections.length, 0);
    assert.ok(b.endpoint.counters()[counter] > 0);
    assert.is(b.endpoint.footprint.connections, 0);
    assert.is(b.endpoint.footprint.unconfirmed, 0);
  });
}

test('an initiation meant for another key does not pass mac1', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const stranger = network.addNode({ address: '10.0.0.3', keySeed: 3 });
  network.removeNode(stranger);
  stranger.at = b.at;
  network.connect(a, stranger);
  network.run(5000);
  assert.ok(b.endpoint.counters().badMac1 > 0);
  assert.is(a.connections.length, 0);
});

test('replayed packets are dropped and counted, also from another address', () => {
  const { network, a, b, link } = connectedPair(seed);
  b.capturing = true;
  for (let count = 0; count < 50; count++) {
    link.sendMessage('operations', new Uint8Array(900).fill(count));
    link.sendBlock(Uint8Array.of(count), new Uint8Array(2000));
    network.service(a);
    network.run(20);
  }
  network.run(1000);
  b.capturing = false;
  const before = b.endpoint.counters().replayed;
  const captured = [...b.captured];
  const remote = b.connections[0]?.remote;
  for (const { bytes } of captured) deliver(b, bytes.slice(), network);
  network.service(b);
  network.run(1000);
  assert.is(b.endpoint.counters().replayed - before, captured.length);
  assert.is(b.messages.length, 50);
  assert.is(b.blocks.length, 50);
  assert.equal(b.connections[0]?.remote, remote, 'a replay does not move the path');
});

test('a node’s own packets, reflected, change nothing', () => {
  const { network, a, b, link, back } = connectedPair(seed);
  b.capturing = true;
  link.sendMessage('operations', new Uint8Array(50_000));
  network.service(a);
  network.run(1000);
  for (const { bytes } of b.captured) deliver(a, bytes.slice(), network);
  network.run(1000);
  assert.not(link.closed);
  assert.not(back.closed);
  assert.is(a.messages.length, 0);
});

test('a replayed initiation is stale and opens nothing', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  b.capturing = true;
  network.connect(a, b);
  network.run(2000);
  const [initiation] = b.captured;
  if (initiation === undefined) throw new Error('no initiation was captured');
  deliver(b, initiation.bytes.slice(), network);
  network.service(b);
  assert.is(b.endpoint.counters().staleTimestamp, 1);
  assert.is(b.endpoint.footprint.connections, 1);
  assert.is(b.endpoint.footprint.unconfirmed, 0);
});

test('timestamps increase although the wall clock was set back', () => {
  const { network, a, b, link } = connectedPair(seed);
  network.wallOffsetMs -= 3_600_000;
  link.close('again');
  network.service(a);
  network.run(5000);
  network.connect(a, b);
  assert.ok(network.run(5000, () => a.connections.length === 2 && b.connections.length === 2));
});

test('a changed bit anywhere in a data packet is dropped', () => {
  const { network, a, b, link } = connectedPair(seed);
  const random = seededRandom(seed);
  b.capturing = true;
  link.sendMessage('operations', new Uint8Array(20_000));
  network.conditions.cut = false;
  network.service(a);
  network.run(1000);
  const messages = b.messages.length;
  for (const { bytes } of b.captured) {
    for (let round = 0; round < 20; round++) {
      const changed = bytes.slice();
      const position = random.below(changed.length);
      changed[position] = (changed[position] ?? 0) ^ (1 << random.below(8));
      deliver(b, changed, network);
    }
  }
  assert.is(b.messages.length, messages);
  assert.is(b.endpoint.counters().malformedFrame, 0);
  assert.not(link.closed);
});

test('a flood of 300,000 random datagrams is dropped and counted; memory is flat and the connection works', () => {
  const { network, a, b, link } = connectedPair(seed);
  const random = seededRandom(seed);
  const noise = random.bytes(70_000);
  const size = 100;
  const datagrams = new Uint32Array(3 * size);
  const before = Object.values(b.endpoint.counters()).reduce((sum, count) => sum + count, 0);
  const heapBefore = process.memoryUsage().heapUsed;
  for (let batch = 0; batch < 3000; batch++) {
    const bytes = noise.slice();
    for (let index = 0; index < size; index++) {
      const length = random.below(4) === 0 ? DATAGRAM_BYTES_MIN : random.below(1500);
      const offset = random.below(bytes.length - 1500);
      if (length > 0) bytes[offset] = random.below(7);
      datagrams.set([offset, length, index], 3 * index);
    }
    const sources = Array.from({ length: size }, () => ({ address: `10.${random.below(65536)}.1.1`, port: 1 }));
    b.endpoint.handleDatagrams({ bytes, datagrams, ages: new Uint32Array(size), sources }, network.now + batch);
    network.now += 1;
    for (let turn = b.endpoint.pollTransmit(network.now); turn; turn = b.endpoint.pollTransmit(network.now)) {
      const length = turn.datagrams[1] ?? 0;
      assert.ok(length < 100, 'no noise is answered with more than a reset');
    }
  }
  const counted = Object.values(b.endpoint.counters()).reduce((sum, count) => sum + count, 0) - before;
  assert.ok(counted >= 300_000, `${counted} were counted`);
  assert.is(b.endpoint.footprint.connections, 1);
  assert.is(b.endpoint.footprint.unconfirmed, 0);
  assert.ok(b.endpoint.footprint.addresses <= 2 * ADDRESSES_MAX);
  assert.ok(process.memoryUsage().heapUsed - heapBefore < 100e6);
  link.sendMessage('control', Uint8Array.of(1));
  network.service(a);
  assert.ok(network.run(2000, () => b.messages.length === 1));
  assert.not(link.closed);
});

/** Initiations that pass mac1, as anyone who knows the public key can make them. */
const forgedInitiation = (publicKey: Uint8Array, random: ReturnType<typeof seededRandom>): Uint8Array => {
  const datagram = new Uint8Array(DATAGRAM_BYTES_MIN);
  datagram.set(random.bytes(64), 8);
  datagram[0] = 1;
  datagram.set(macOf(macKeyOf(publicKey), datagram.subarray(0, DATAGRAM_BYTES_MIN - 32)), DATAGRAM_BYTES_MIN - 32);
  return datagram;
};

test('under a flood of initiations a peer still connects, by cookie; answers are never longer than questions', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const random = seededRandom(seed);
  network.connect(a, b);
  for (let millisecond = 0; millisecond < 4000 && a.connection === undefined; millisecond++) {
    for (let count = 0; count < 2; count++) {
      const bytes = forgedInitiation(b.keyPair.publicKey, random);
      deliver(b, bytes, network, `10.7.${random.below(256)}.${random.below(256)}`);
    }
    network.service(b);
    network.run(1);
    if (millisecond === 100) assert.ok(b.endpoint.counters().cookieSent > 0);
  }
  assert.ok(a.connection !== undefined);
  assert.ok(network.run(1000, () => b.connection !== undefined));
  assert.ok(b.endpoint.footprint.addresses <= ADDRESSES_MAX);
});

test('of more initiations than can be looked at the rest is dropped unread, and a second later a peer connects', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const random = seededRandom(seed);
  const pool = Array.from({ length: 50 }, () => forgedInitiation(b.keyPair.publicKey, random));
  for (let millisecond = 0; millisecond < 500; millisecond++) {
    for (const bytes of pool) deliver(b, bytes.slice(), network, `10.7.${random.below(256)}.${random.below(256)}`);
    network.run(1);
  }
  const { overloaded, cookieSent, rateLimited, badHandshake } = b.endpoint.counters();
  assert.is(overloaded + cookieSent + rateLimited + badHandshake, 500 * pool.length);
  const lookedAt = LOADED_INITIATIONS_PER_SECOND_MAX / 2 + LOADED_INITIATIONS_BURST + INITIATIONS_PER_SECOND_MAX + 1;
  assert.ok(cookieSent + badHandshake <= lookedAt, `${cookieSent} cookies`);
  network.run(500);
  for (const bytes of pool) deliver(b, bytes.slice(), network, `10.8.${random.below(256)}.${random.below(256)}`);
  assert.is(b.endpoint.counters().badHandshake, badHandshake, 'no Diffie-Hellman in the second after');
  network.run(1000);
  network.connect(a, b);
  assert.ok(network.run(1000, () => a.connection !== undefined && b.connection !== undefined));
});

test('packets of no connection are answered with so many resets a second, whatever addresses they come from', () => {
  const { network, b } = connectedPair(seed);
  const random = seededRandom(seed);
  for (let millisecond = 0; millisecond < 1000; millisecond++) {
    for (let count = 0; count < 10; count++) {
      const bytes = random.bytes(100);
      bytes[0] = 4;
      deliver(b, bytes, network, `10.${random.below(256)}.${random.below(256)}.1`);
    }
    network.service(b);
    network.run(1);
  }
  const { unknownIndex, resetSent } = b.endpoint.counters();
  assert.is(unknownIndex, 10_000);
  assert.ok(resetSent >= RESETS_BURST && resetSent <= RESETS_BURST + RESETS_PER_SECOND_MAX, `${resetSent} resets`);
});

test('initiations of one address are limited', () => {
  const network = new SimulatedNetwork(seed);
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const random = seededRandom(seed);
  for (let count = 0; count < 200; count++) deliver(b, forgedInitiation(b.keyPair.publicKey, random), network);
  assert.ok(b.endpoint.counters().rateLimited >= 180);
});

test('a forged reset ends nothing', () => {
  const { network, a, link } = connectedPair(seed);
  const random = seededRandom(seed);
  for (let count = 0; count < 1000; count++) {
    const reset = random.bytes(24);
    reset[0] = 5;
    deliver(a, reset, network);
  }
  assert.not(link.closed);
  assert.is(a.endpoint.counters().resetReceived, 0);
});

test('a peer that breaks the protocol is cut off', () => {
  const { network, a, b, link, back } = connectedPair(seed);
  // It acknowledges what was never sent: no packet of ours does that, so reach into the sink.
  const acknowledgement = { ranges: new Float64Array([0, 99_999]), rangeCount: 1, delayMs: 0 };
  assert.not(link.onAcknowledgement(acknowledgement));
  assert.not(link.onChunk({ id: 1, total: 10, offset: 20 }, new Uint8Array(1)));
  assert.not(back.closed);
  network.service(a);
  network.service(b);
});

test('the reset token of an index that is being asked for is not told', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const attacker = network.addNode({ address: '10.9.9.9', keySeed: 3 });
  attacker.capturing = true;
  b.capturing = true;
  network.connect(a, b);
  network.run(10.5);
  const initiation = b.captured.find(({ bytes }) => bytes[0] === 1);
  assert.ok(initiation !== undefined, 'the initiation is at b, its answer not yet at a');
  const probe = Buffer.alloc(64);
  probe[0] = 4;
  probe.writeUInt32LE(Buffer.from(initiation.bytes).readUInt32LE(4), 4);
  const batch = { bytes: probe, datagrams: Uint32Array.of(0, 64, 0), ages: Uint32Array.of(0), sources: [attacker.at] };
  a.endpoint.handleDatagrams(batch, network.now);
  network.service(a);
  network.run(1000);
  assert.ok(a.connection !== undefined && b.connection !== undefined, 'they are connected');
  assert.is(a.endpoint.counters().unknownIndex, 1);
  assert.is(attacker.captured.length, 0);
});

test('an answer that is copied with another source first does not take the connection there', () => {
  const network = new SimulatedNetwork(seed);
  const a = network.addNode({ address: '10.0.0.1', keySeed: 1 });
  const b = network.addNode({ address: '10.0.0.2', keySeed: 2 });
  const elsewhere = { address: '203.0.113.5', port: 53 };
  const real = a.endpoint.handleDatagrams.bind(a.endpoint);
  let copied = false;
  a.endpoint.handleDatagrams = (batch, nowMs) => {
    if (!copied && batch.bytes[batch.datagrams[0] ?? 0] === 2) {
      copied = true;
      real({ ...batch, bytes: batch.bytes.slice(), sources: batch.sources.map(() => elsewhere) }, nowMs);
    }
    real(batch, nowMs);
  };
  network.connect(a, b);
  network.run(1000);
  assert.ok(copied);
  assert.is(a.connection?.remote.address, '10.0.0.2');
  a.connection?.sendMessage('control', Uint8Array.of(1));
  network.service(a);
  network.run(1000);
  assert.is(b.messages.length, 1);
});

test('old initiations that are replayed to a node which was restarted do not keep it from connecting', () => {
  const network = new SimulatedNetwork(seed);
  const nodes = [1, 2].map((keySeed) => network.addNode({ address: `10.0.0.${keySeed}`, keySeed }));
  // Of the smaller public key the own attempts win for a while.
  const [peer, victim] = nodes.sort((first, second) =>
    Buffer.compare(first.keyPair.publicKey, second.keyPair.publicKey),
  );
  assert.ok(peer !== undefined && victim !== undefined);
  victim.capturing = true;
  for (let connection = 0; connection < 10; connection++) {
    network.connect(peer, victim);
    network.run(500);
    peer.connection?.close('done');
    network.service(peer);
    network.run(5000);
  }
  const old = victim.captured.filter(({ bytes }) => bytes[0] === 1);
  assert.ok(old.length >= 10);
  network.removeNode(victim);
  network.run(60_000);
  const reborn = network.addNode({ address: victim.at.address, keySeed: Number(victim.at.address.at(-1)) });
  for (let second = 0; second < 9 && reborn.connection === undefined; second++) {
    network.connect(reborn, peer);
    const { bytes } = old[second] ?? { bytes: new Uint8Array(0) };
    const datagrams = Uint32Array.of(0, bytes.length, 0);
    reborn.endpoint.handleDatagrams({ bytes, datagrams, ages: Uint32Array.of(0), sources: [peer.at] }, network.now);
    network.service(reborn);
    network.run(1000);
    if (second === 0) assert.ok(reborn.connection !== undefined, 'it is connected within a second');
  }
});

test.run();
