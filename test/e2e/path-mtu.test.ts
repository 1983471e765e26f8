// The size of datagrams on real interfaces: jumbo frames are used, and where they cease to pass it goes on with what does.
// Needs root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNamespacePair, insideNamespace, type NamespaceEnd, type NamespacePair } from '../support/namespaces.ts';

const END = fileURLToPath(new URL('../../bench/link/packetfs-end.ts', import.meta.url));
const PORT = '7440';
const SECONDS = 4;

interface Flow {
  readonly datagramBytes: number;
  readonly receivedBytes: number;
}

function startEnd(end: NamespaceEnd, ...parameters: readonly string[]) {
  const [command = '', ...rest] = insideNamespace(end, [process.execPath, '--import', 'tsx', END, ...parameters]);
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
  let said = '';
  child.stdout.on('data', (part: Buffer) => {
    said += part.toString();
  });
  const report = once(child, 'close').then(() => JSON.parse(said.replace('ready\n', '')) as unknown);
  return { report, speaks: once(child.stdout, 'data') };
}

async function flow(pair: NamespacePair, meanwhile: () => Promise<void> = async () => {}): Promise<Flow> {
  const receiver = startEnd(pair.b, 'receive', pair.b.address, PORT);
  await receiver.speaks;
  const sender = startEnd(pair.a, 'send', pair.b.address, PORT, String(SECONDS), '100000');
  await meanwhile();
  // Both are this repository's own program.
  const { statistics } = (await sender.report) as { statistics: { datagramBytes: number } };
  const { samples } = (await receiver.report) as { samples: { bytes: number }[] };
  return { datagramBytes: statistics.datagramBytes, receivedBytes: samples.reduce((sum, { bytes }) => sum + bytes, 0) };
}

async function withPair(body: (pair: NamespacePair) => Promise<void>): Promise<void> {
  const pair = await createNamespacePair();
  try {
    await body(pair);
  } finally {
    await pair.remove();
  }
}

test('jumbo frames are used where the interfaces have them', () =>
  withPair(async (pair) => {
    for (const end of [pair.a, pair.b]) await pair.setMtu(end, 9000);
    const { datagramBytes, receivedBytes } = await flow(pair);
    assert.is(datagramBytes, 8952);
    assert.ok(receivedBytes > 10e6, `${receivedBytes} bytes`);
  }));

test('a path that ceases to take jumbo frames is noticed, and goes on', () =>
  withPair(async (pair) => {
    for (const end of [pair.a, pair.b]) await pair.setMtu(end, 9000);
    let bytesBefore = 0;
    const { datagramBytes, receivedBytes } = await flow(pair, async () => {
      while ((await pair.bytes()).fromA < 20e6) await sleep(50);
      for (const end of [pair.a, pair.b]) await pair.setMtu(end, 1500);
      bytesBefore = (await pair.bytes()).fromA;
    });
    assert.is(datagramBytes, 1452);
    assert.ok(receivedBytes > bytesBefore + 1e6, `${receivedBytes} bytes, ${bytesBefore} of them before`);
  }));

test.run();
