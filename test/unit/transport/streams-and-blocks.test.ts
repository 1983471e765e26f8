// Channels and blocks, sender against receiver, without packets: any order, loss, repetition and cut of the pieces gives
// every message and block once; windows bound what a receiver holds; violations are noticed.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BLOCK_BYTES_MAX,
  BLOCK_WINDOW_BYTES,
  BLOCKS_AHEAD_MAX,
  STREAM_WINDOW_BYTES,
} from '../../../src/transport/constants.ts';
import { IncomingBlocks } from '../../../src/transport/incoming-blocks.ts';
import { IncomingStream } from '../../../src/transport/incoming-stream.ts';
import { OutgoingBlocks } from '../../../src/transport/outgoing-blocks.ts';
import { OutgoingStream } from '../../../src/transport/outgoing-stream.ts';
import { WindowBudget } from '../../../src/transport/window-budget.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('streams and blocks');

const incomingBlocks = (): IncomingBlocks => new IncomingBlocks(new WindowBudget(0));

interface Piece {
  readonly offset: number;
  readonly data: Uint8Array;
}

test('a channel delivers every message once and in order whatever happens to its pieces', () => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 100; round++) {
    const outgoing = new OutgoingStream();
    const incoming = new IncomingStream();
    outgoing.raiseLimit(STREAM_WINDOW_BYTES);
    const messages = Array.from({ length: 30 }, () => random.bytes(random.below(random.unit() < 0.2 ? 3000 : 50)));
    for (const message of messages) outgoing.enqueue(message);
    const delivered: Uint8Array[] = [];
    const flying: Piece[] = [];
    while (outgoing.unacknowledgedBytes > 0) {
      if (outgoing.hasData && outgoing.select(1 + random.below(1000))) {
        const data = new Uint8Array(outgoing.length);
        outgoing.copy(data, 0);
        flying.push({ offset: outgoing.offset, data });
        outgoing.markSent();
      }
      if (flying.length === 0 || (outgoing.hasData && random.unit() < 0.5)) continue;
      const [piece] = flying.splice(random.below(flying.length), 1);
      if (piece === undefined) continue;
      if (random.unit() < 0.3) outgoing.onLost(piece.offset, piece.data.length);
      else {
        assert.ok(incoming.receive(piece.offset, piece.data, (message) => delivered.push(message)));
        if (random.unit() < 0.2) flying.push(piece);
        if (random.unit() < 0.2) outgoing.onLost(piece.offset, piece.data.length);
        outgoing.onAcknowledged(piece.offset, piece.data.length);
      }
    }
    assert.equal(delivered, messages);
    assert.not(outgoing.hasData);
  }
});

test('what is repeated leaves out what arrived in pieces cut otherwise', () => {
  const outgoing = new OutgoingStream();
  outgoing.raiseLimit(STREAM_WINDOW_BYTES);
  for (let count = 0; count < 10; count++) outgoing.enqueue(new Uint8Array(16).fill(count));
  outgoing.select(200);
  outgoing.markSent();
  outgoing.onLost(0, 200); // a probe repeats it while it is in flight, in a smaller packet
  outgoing.select(90);
  outgoing.markSent();
  outgoing.onAcknowledged(0, 90);
  outgoing.onLost(0, 200);
  assert.ok(outgoing.select(200));
  assert.equal([outgoing.offset, outgoing.length], [90, 110]);
  const data = new Uint8Array(110);
  outgoing.copy(data, 0);
  assert.equal([...data.subarray(0, 14)], [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 16, 0, 0, 0]);
});

test('a channel stops at the window until messages are released', () => {
  const outgoing = new OutgoingStream();
  const incoming = new IncomingStream();
  outgoing.raiseLimit(incoming.granted);
  const half = new Uint8Array(STREAM_WINDOW_BYTES / 2);
  outgoing.enqueue(half);
  outgoing.enqueue(half);
  let delivered = 0;
  const pump = (): void => {
    while (outgoing.hasData && outgoing.select(1e6)) {
      const data = new Uint8Array(outgoing.length);
      outgoing.copy(data, 0);
      assert.ok(incoming.receive(outgoing.offset, data, () => delivered++));
      outgoing.markSent();
    }
  };
  pump();
  assert.is(delivered, 1);
  assert.not(incoming.limitIsDue);
  incoming.release(half.length);
  assert.ok(incoming.limitIsDue);
  outgoing.raiseLimit(incoming.grant());
  pump();
  assert.is(delivered, 2);
});

test('bytes beyond the window and messages that are too long are violations', () => {
  assert.not(new IncomingStream().receive(STREAM_WINDOW_BYTES, Uint8Array.of(1), () => {}));
  assert.not(new IncomingStream().receive(0, new Uint8Array(0), () => {}));
  assert.not(new IncomingStream().receive(0, Uint8Array.of(1, 0, 0, 0x10), () => {}));
});

test('blocks arrive whole and once whatever happens to their chunks', () => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 60; round++) {
    const outgoing = new OutgoingBlocks();
    const incoming = incomingBlocks();
    outgoing.raiseLimit(incoming.window.granted);
    const sent = Array.from({ length: 12 }, () => ({
      header: random.bytes(random.below(20)),
      body: random.bytes(random.below(4000)),
    }));
    for (const { header, body } of sent) outgoing.enqueue(header, body);
    const total = sent.reduce((sum, { header, body }) => sum + 2 + header.length + body.length, 0);
    let furthest = 0;
    const ends = new Map<number, number>();
    const delivered: string[] = [];
    const flying: { id: number; total: number; offset: number; data: Uint8Array }[] = [];
    while (outgoing.unacknowledgedBytes > 0) {
      if (outgoing.hasData && outgoing.select(1 + random.below(900)) && outgoing.block !== undefined) {
        const { block, offset, length } = outgoing;
        const data = new Uint8Array(length);
        block.copy(offset, length, data, 0);
        flying.push({ id: block.id, total: block.total, offset, data });
        outgoing.markSent();
        furthest += Math.max(0, offset + length - (ends.get(block.id) ?? 0));
        ends.set(block.id, Math.max(offset + length, ends.get(block.id) ?? 0));
        assert.is(outgoing.unsentBytes, total - furthest, 'what is sent again was sent before');
      }
      if (flying.length === 0 || (outgoing.hasData && random.unit() < 0.5)) continue;
      const [chunk] = flying.splice(random.below(flying.length), 1);
      if (chunk === undefined) continue;
      if (random.unit() < 0.3) {
        outgoing.onLost(chunk.id, chunk.offset, chunk.data.length);
        continue;
      }
      const outcome = incoming.receive(chunk, chunk.data);
      assert.is.not(outcome, 'violation');
      if (typeof outcome !== 'string') delivered.push(Buffer.concat([outcome.header, outcome.body]).toString('hex'));
      if (random.unit() < 0.2) flying.push(chunk);
      outgoing.onAcknowledged(chunk.id, chunk.offset, chunk.data.length);
    }
    const expected = sent.map(({ header, body }) => Buffer.concat([header, body]).toString('hex'));
    assert.equal(delivered.sort(), expected.sort());
    assert.not(outgoing.hasData);
  }
});

test('blocks start within the window, which moves when they are released', () => {
  const outgoing = new OutgoingBlocks();
  outgoing.raiseLimit(BLOCK_WINDOW_BYTES);
  const body = new Uint8Array(BLOCK_BYTES_MAX - 2);
  for (let count = 0; count < 5; count++) outgoing.enqueue(new Uint8Array(0), body);
  let started = 0;
  while (outgoing.hasData && outgoing.select(BLOCK_BYTES_MAX)) {
    outgoing.markSent();
    started += 1;
  }
  assert.is(started, BLOCK_WINDOW_BYTES / BLOCK_BYTES_MAX);
  outgoing.raiseLimit(BLOCK_WINDOW_BYTES + BLOCK_BYTES_MAX);
  assert.ok(outgoing.hasData);
});

test('blocks start so far ahead of the first unacknowledged one and no further, however small they are', () => {
  const outgoing = new OutgoingBlocks();
  const incoming = incomingBlocks();
  outgoing.raiseLimit(incoming.window.granted);
  for (let count = 0; count < 2 * BLOCKS_AHEAD_MAX; count++) outgoing.enqueue(new Uint8Array(0), new Uint8Array(0));
  const sendAll = (): number => {
    let first = -1;
    while (outgoing.hasData && outgoing.select(100) && outgoing.block !== undefined) {
      const { id, total } = outgoing.block;
      if (first < 0) first = id;
      outgoing.markSent();
      if (id > 0) assert.is.not(incoming.receive({ id, total, offset: 0 }, new Uint8Array(total)), 'violation');
      if (id > 0) outgoing.onAcknowledged(id, 0, total);
    }
    return first;
  };
  assert.is(sendAll(), 0, 'block 0 is lost on the way');
  assert.is(outgoing.unacknowledgedBytes, 2 * (BLOCKS_AHEAD_MAX + 1));
  const beyond = { id: BLOCKS_AHEAD_MAX, total: 2, offset: 0 };
  assert.is(incoming.receive(beyond, new Uint8Array(1)), 'violation', 'who goes further is cut off');
  assert.is.not(incoming.receive({ id: 0, total: 2, offset: 0 }, new Uint8Array(2)), 'violation');
  outgoing.onAcknowledged(0, 0, 2);
  assert.is(sendAll(), BLOCKS_AHEAD_MAX);
  assert.is(outgoing.unacknowledgedBytes, 0);
});

test('what was sent and acknowledged is let go while more waits to be sent', async () => {
  const outgoing = new OutgoingBlocks();
  outgoing.raiseLimit(BLOCK_WINDOW_BYTES);
  const bodies = Array.from({ length: 100 }, () => {
    const body = new Uint8Array(5000);
    outgoing.enqueue(new Uint8Array(1), body);
    return new WeakRef(body);
  });
  for (let sent = 0; sent < 60; sent++) {
    assert.ok(outgoing.select(2 * 5000));
    const { block, offset, length } = outgoing;
    outgoing.markSent();
    outgoing.onAcknowledged(block?.id ?? -1, offset, length);
  }
  await new Promise((resolve) => setImmediate(resolve)); // a WeakRef keeps its target until the turn ends
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const kept = bodies.filter((body) => body.deref() !== undefined).length;
  assert.ok(kept <= 41, `${kept} are kept: 40 that wait, and the one selected last`);
  assert.ok(outgoing.hasData);
});

test('chunks that break a rule are violations', () => {
  const violations = [
    { chunk: { id: 0, total: 10, offset: 9 }, length: 2 },
    { chunk: { id: 0, total: BLOCK_BYTES_MAX + 1, offset: 0 }, length: 2 },
    { chunk: { id: 0, total: 1, offset: 0 }, length: 1 },
    { chunk: { id: 0, total: 10, offset: 0 }, length: 0 },
  ];
  for (const { chunk, length } of violations) {
    assert.is(incomingBlocks().receive(chunk, new Uint8Array(length)), 'violation');
  }
  const changing = incomingBlocks();
  assert.is(changing.receive({ id: 1, total: 10, offset: 0 }, new Uint8Array(1)), 'accepted');
  assert.is(changing.receive({ id: 1, total: 11, offset: 1 }, new Uint8Array(1)), 'violation');
  const greedy = incomingBlocks();
  for (let id = 0; id < BLOCK_WINDOW_BYTES / BLOCK_BYTES_MAX; id++) {
    assert.is(greedy.receive({ id, total: BLOCK_BYTES_MAX, offset: 0 }, new Uint8Array(1)), 'accepted');
  }
  assert.is(greedy.receive({ id: 99, total: 2, offset: 0 }, new Uint8Array(1)), 'violation');
  const header = incomingBlocks();
  assert.is(header.receive({ id: 1, total: 4, offset: 0 }, Uint8Array.of(9, 0, 1, 1)), 'violation');
});

test.run();
