// UDP sockets from JavaScript over the machine's loopback: batches, counters, lag, and every way to end.
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { NativeUdpSocket, ReceivedBatch } from '../../../src/addon/native.ts';
import { run, waitFor } from '../../support/process.ts';

const ADDON = fileURLToPath(new URL('../../../src/addon/addon.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Bound {
  readonly socket: NativeUdpSocket;
  readonly address: string;
  readonly port: number;
  readonly received: { readonly bytes: Uint8Array; readonly from: string }[];
}

function bind(address = '127.0.0.1'): Bound {
  const socket = native.createUdpSocket();
  const bound = socket.bind(address, 0);
  const received: { bytes: Uint8Array; from: string }[] = [];
  socket.start(
    (batch) => received.push(...datagramsOf(batch)),
    (errno) => {
      throw new Error(`receiving ended with errno ${errno}`);
    },
  );
  return { socket, ...bound, received };
}

function* datagramsOf(batch: ReceivedBatch): Generator<{ bytes: Uint8Array; from: string }> {
  for (let index = 0; index < batch.datagrams.length; index += 3) {
    const [offset = 0, length = 0, source = 0] = batch.datagrams.subarray(index, index + 3);
    const from = batch.sources[source];
    yield { bytes: batch.bytes.subarray(offset, offset + length), from: `${from?.address} ${from?.port}` };
  }
}

const runScript = (script: string) =>
  run(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', `import { native } from '${ADDON}';${script}`],
    { directory: ROOT, limitMs: 60_000 },
  );

const test = suite('udp');

test('datagrams arrive in order, whole, with their source, and answers find the way back', async () => {
  const [left, right] = [bind(), bind()];
  const count = 300;
  const bytes = new Uint8Array(count * 1000).map((_, index) => (index / 1000) & 0xff);
  const datagrams = new Uint32Array(Array.from({ length: count }, (_, index) => [index * 1000, 1000]).flat());
  assert.is(left.socket.send({ address: right.address, port: right.port, bytes, datagrams }), count);
  await waitFor('the datagrams', () => (right.received.length === count ? true : undefined));
  for (const [index, datagram] of right.received.entries()) {
    assert.is(datagram.from, `127.0.0.1 ${left.port}`);
    assert.ok(datagram.bytes.length === 1000 && datagram.bytes.every((byte) => byte === (index & 0xff)));
  }
  right.socket.send({ ...left, bytes: new Uint8Array([42]), datagrams: new Uint32Array([0, 1]) });
  await waitFor('the answer', () => (left.received.length === 1 ? true : undefined));
  const counters = left.socket.counters();
  assert.is(counters['packetsSent'], count);
  assert.is(counters['bytesSent'], count * 1000);
  assert.ok((counters['gsoBatches'] ?? 0) >= count / 64);
  assert.ok((right.socket.counters()['groBatches'] ?? 0) > 0);
  left.socket.close();
  right.socket.close();
});

test('a dual-stack socket sees an IPv4 source as a plain address', async () => {
  const [four, both] = [bind('127.0.0.1'), bind('::')];
  assert.is(both.address, '::');
  const datagrams = new Uint32Array([0, 3]);
  four.socket.send({ address: '127.0.0.1', port: both.port, bytes: new Uint8Array([1, 2, 3]), datagrams });
  await waitFor('the datagram', () => (both.received.length === 1 ? true : undefined));
  assert.is(both.received[0]?.from, `127.0.0.1 ${four.port}`);
  four.socket.close();
  both.socket.close();
});

test('while JavaScript lags, what is beyond 32 MiB is dropped and counted, and receiving goes on', async () => {
  const [left, right] = [bind(), bind()];
  const bytes = new Uint8Array(64_000);
  const datagrams = new Uint32Array(Array.from({ length: 50 }, (_, index) => [index * 1280, 1280]).flat());
  const dropped = (): number => right.socket.counters()['receiveDropped'] ?? 0;
  const deadline = Date.now() + 20_000;
  // This loop does not return to the event loop: nothing is delivered meanwhile.
  while (dropped() === 0 && Date.now() < deadline) {
    for (let round = 0; round < 10; round++) left.socket.send({ ...right, bytes, datagrams });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  let before = -1;
  await waitFor('the thread to have read all', () => {
    const now = right.socket.counters()['packetsReceived'] ?? 0;
    if (now === before) return true;
    before = now;
    return undefined;
  });
  const counters = right.socket.counters();
  assert.ok((counters['receiveDropped'] ?? 0) > 0);
  assert.is(right.received.length + (counters['receiveDropped'] ?? 0), counters['packetsReceived']);
  right.received.length = 0;
  left.socket.send({ ...right, bytes, datagrams });
  await waitFor('later datagrams', () => (right.received.length === 50 ? true : undefined));
  left.socket.close();
  right.socket.close();
});

test('datagrams with delays leave later and in order, and none is lost by closing', async () => {
  const [left, right] = [bind(), bind()];
  const [bytes, datagrams] = [new Uint8Array([1, 2, 3]), new Uint32Array([0, 1, 1, 1, 2, 1])];
  const startedAt = performance.now();
  left.socket.send({ ...right, bytes, datagrams, delays: new Uint32Array([0, 30_000, 900_000]) });
  bytes.fill(9); // what waits was copied
  await waitFor('the second', () => (right.received.length === 2 ? true : undefined));
  assert.ok(performance.now() - startedAt >= 30);
  left.socket.close();
  await waitFor('the third', () => (right.received.length === 3 ? true : undefined));
  assert.equal(
    right.received.map((datagram) => datagram.bytes[0]),
    [1, 2, 3],
  );
  right.socket.close();
});

test('nothing is delivered after close, which may be called twice, also from within a delivery', async () => {
  const sender = bind();
  const socket = native.createUdpSocket();
  const { port } = socket.bind('127.0.0.1', 0);
  let deliveries = 0;
  socket.start(
    () => {
      deliveries++;
      socket.close();
      socket.close();
    },
    () => {},
  );
  const datagrams = new Uint32Array([0, 8]);
  const send = () => sender.socket.send({ address: '127.0.0.1', port, bytes: new Uint8Array(8), datagrams });
  send();
  await waitFor('the delivery', () => (deliveries === 1 ? true : undefined));
  send();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(deliveries, 1);
  assert.is(socket.counters()['packetsReceived'], 1);
  assert.throws(() => socket.send({ ...sender, bytes: new Uint8Array(8), datagrams }), /not bound or closed/);
  assert.throws(() => socket.bind('127.0.0.1', 0), /bound or closed already/);
  sender.socket.close();
});

test('wrong arguments are refused', () => {
  const { socket, ...place } = bind();
  const bytes = new Uint8Array(100_000);
  const send = (datagrams: readonly number[], port = place.port) =>
    socket.send({ address: '127.0.0.1', port, bytes, datagrams: new Uint32Array(datagrams) });
  assert.throws(() => send([0]), /pairs/);
  assert.throws(() => send([99_999, 2]), /must lie within bytes/);
  assert.throws(() => send([0xffffffff, 0xffffffff]), /must lie within bytes/);
  assert.throws(() => send([0, 65_508]), /at most 65507/);
  const delay = (...delays: number[]) =>
    socket.send({ ...place, bytes, datagrams: new Uint32Array([0, 1, 0, 1]), delays: new Uint32Array(delays) });
  assert.throws(() => delay(1), /one for each datagram/);
  assert.throws(() => delay(2, 1), /must not decrease/);
  assert.throws(() => delay(0, 1_000_001), /at most a second/);
  assert.throws(() => send([0, 1], 0), /port must be an integer from 1/);
  assert.throws(() => socket.send({ address: 'localhost', port: 9, bytes, datagrams: new Uint32Array([0, 1]) }), /num/);
  assert.throws(
    () =>
      socket.start(
        () => {},
        () => {},
      ),
    /not be started twice/,
  );
  assert.throws(
    () =>
      native.createUdpSocket().start(
        () => {},
        () => {},
      ),
    /must be bound/,
  );
  assert.throws(() => native.createUdpSocket().bind('127.0.0.1', place.port), /cannot bind to 127.0.0.1/);
  socket.close();
});

test('a process whose sockets are closed ends by itself', async () => {
  const result = await runScript(`
    const socket = native.createUdpSocket();
    socket.bind('127.0.0.1', 0);
    socket.start(() => {}, () => {});
    setTimeout(() => socket.close(), 50);`);
  assert.is(result.code, 0, result.stderr);
});

const POURING = `
  const socket = native.createUdpSocket();
  const { port } = socket.bind('127.0.0.1', 0);
  const bytes = new Uint8Array(64000);
  const datagrams = new Uint32Array(Array.from({ length: 50 }, (_, i) => [i * 1280, 1280]).flat());
  const pour = () => { for (let i = 0; i < 20; i++) socket.send({ address: '127.0.0.1', port, bytes, datagrams }); };
  socket.start(pour, () => {});
  pour();`;

test('a process that exits with an open, busy socket does not crash', async () => {
  const result = await runScript(`${POURING} setTimeout(() => process.exit(7), 100)`);
  assert.is(result.code, 7, result.stderr);
});

test('an exception in a delivery ends the process as any uncaught one does', async () => {
  const result = await runScript(
    POURING.replace('socket.start(pour', `socket.start(() => { throw new Error('mine') }`),
  );
  assert.is(result.code, 1);
  assert.match(result.stderr, /mine/);
});

test('workers that end with open, busy sockets do not crash the process', async () => {
  const result = await runScript(`
    import { Worker } from 'node:worker_threads';
    const addon = ${JSON.stringify(fileURLToPath(new URL('../../../native/build/Release/packetfs.node', import.meta.url)))};
    const source = 'const native = require(' + JSON.stringify(addon) + ');' + ${JSON.stringify(POURING)};
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(source + (round % 2 ? 'setTimeout(() => process.exit(0), 30)' : ''), { eval: true, execArgv: [] });
      await new Promise((resolve) => worker.once('online', resolve));
      if (round % 2 === 0) setTimeout(() => worker.terminate(), 60);
      await new Promise((resolve) => worker.once('exit', resolve));
    }
    console.log('alive');`);
  assert.is(result.code, 0, result.stderr);
  assert.is(result.stdout.trim(), 'alive');
});

test.run();
