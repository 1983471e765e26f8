// What goes on when paths are lost at awkward moments, in virtual time: the channels, data in flight, probes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seedOfRun } from '../support/seeded-random.ts';
import { joined, SECOND_A, SECOND_B } from '../support/two-links.ts';

const test = suite('transport lost paths');
const seed = seedOfRun();
const BLOCK_BYTES = 32 * 1024;

test('the slower of two paths carries everything once the faster one is lost', () => {
  const pair = joined(seed);
  pair.second.delayMs = 100;
  const { network, a, b, link } = pair;
  for (let block = 0; block < 200; block++) link.sendBlock(new Uint8Array(0), new Uint8Array(BLOCK_BYTES));
  network.service(a);
  network.run(2000);
  const faster = link.pathTo(b.at);
  assert.ok(faster !== undefined && link.remote.address === b.at.address, 'the first link is the faster');
  link.onReset(faster);
  link.sendMessage('control', Uint8Array.of(1));
  network.service(a);
  assert.ok(
    network.run(10_000, () => b.messages.length > 0),
    'a message arrives',
  );
  assert.is(link.paths.length, 1);
});

test('a late packet of a path that ends within its batch is dropped', () => {
  const pair = joined(seed);
  const { network, a, b, link, back } = pair;
  network.run(1000);
  // b has forgotten the path; what a sends on it is answered by a reset.
  const lost = back.pathTo(SECOND_A);
  const atA = link.pathTo(SECOND_B);
  assert.ok(lost !== undefined && atA !== undefined);
  const index = lost.keys.remoteIndex;
  back.onReset(lost);
  b.endpoint.handleTimeout(network.now);
  atA.sender.requestPing();
  network.service(a);
  network.run(30);
  // Anybody can name the index: it is on the wire in clear. It comes in one batch with the reset.
  const forged = Buffer.alloc(64);
  forged[0] = 4;
  forged.writeUInt32LE(index, 4);
  forged.writeUInt32LE(5000, 8);
  a.busyUntil = network.now + 60;
  network.run(25);
  network.inject(SECOND_B, SECOND_A, forged);
  network.run(500);
  assert.is(a.endpoint.counters().resetReceived, 1);
  assert.is(link.paths.length, 1);
});

test('what went to a path while all were cut goes on by the one that comes back', () => {
  const pair = joined(seed);
  const { network, a, b, link, second } = pair;
  network.run(1000);
  network.conditions.cut = true;
  second.cut = true;
  link.sendMessage('control', new Uint8Array(10));
  link.sendBlock(new Uint8Array(0), new Uint8Array(20_000));
  network.service(a);
  network.run(2000);
  for (let block = 0; block < 10; block++) link.sendBlock(new Uint8Array(0), new Uint8Array(20_000));
  link.sendMessage('control', new Uint8Array(20_000));
  network.service(a);
  network.run(1000);
  second.cut = false;
  const arrived = network.run(4000, () => b.blocks.length === 11 && b.messages.length === 2);
  assert.ok(arrived, `${b.blocks.length} blocks, ${b.messages.length} messages`);
});

test('a path that was cut is given up although limits are told on it again and again', () => {
  const fast = { bytesPerMs: 100_000, delayMs: 75, queueBytes: 8_000_000, mtu: 9000 };
  const pair = joined(seed, fast);
  const { network, a, b, link, back, second } = pair;
  Object.assign(second, { bytesPerMs: 1000, delayMs: 70, queueBytes: 100_000 });
  const big = new Uint8Array(1 << 20);
  b.onEvent = () => {
    b.blocks.length = 0;
  };
  const seen = new Set<number>();
  let sent = 0;
  const fill = (): void => {
    while (link.unacknowledgedBytes < link.windowBytes) link.sendBlock(new Uint8Array(0), big);
  };
  a.onEvent = (event) => {
    fill();
    if (event.kind === 'block') seen.add(Buffer.from(event.header).readUInt32LE(0));
    a.blocks.length = 0;
  };
  const sendBack = (): void => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(sent++);
    back.sendBlock(header, new Uint8Array(32 * 1024));
    network.service(b);
  };
  fill();
  network.service(a);
  network.run(2500);
  for (let count = 0; count < 120; count++) {
    sendBack();
    network.run(5);
  }
  second.cut = true;
  for (let count = 0; count < 20; count++) {
    sendBack();
    network.run(50);
  }
  assert.ok(
    network.run(3000, () => seen.size === sent),
    `${seen.size} of ${sent} blocks`,
  );
});

test.run();
