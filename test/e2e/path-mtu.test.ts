// The size of datagrams on real interfaces: jumbo frames are used, and where they cease to pass it goes on with what does.
// Needs root.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EndProcess } from '../../bench/link/end-process.ts';
import { createNamespacePair, type NamespacePair } from '../support/namespaces.ts';
import { waitFor } from '../support/process.ts';

const PORT = 7440;
const SECONDS = 4;
const BLOCK_BYTES = 100_000;
const LIMIT_MS = 60_000;
const JUMBO_BYTES_BEFORE = 20e6;

interface Flow {
  readonly datagramBytes: number;
  readonly receivedBytes: number;
}

async function flow(pair: NamespacePair, meanwhile: () => Promise<void> = async () => {}): Promise<Flow> {
  const receiver = new EndProcess('packetfs-end', pair.b, ['receive', pair.b.address, PORT], LIMIT_MS);
  const target = ['send', pair.b.address, PORT, SECONDS, BLOCK_BYTES, 'bulk'];
  const sender = new EndProcess('packetfs-end', pair.a, target, LIMIT_MS);
  try {
    await Promise.all([receiver.said('ready'), sender.said('ready')]);
    sender.say('go');
    await meanwhile();
    // Both are this repository's own program.
    const { statistics } = (await sender.report()) as { statistics: { datagramBytes: number } };
    const { samples } = (await receiver.report()) as { samples: { bytes: number }[] };
    const receivedBytes = samples.reduce((sum, { bytes }) => sum + bytes, 0);
    return { datagramBytes: statistics.datagramBytes, receivedBytes };
  } finally {
    await Promise.all([sender.end(), receiver.end()]);
  }
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
      await waitFor('jumbo frames', async () => (await pair.bytes()).fromA > JUMBO_BYTES_BEFORE || undefined);
      for (const end of [pair.a, pair.b]) await pair.setMtu(end, 1500);
      bytesBefore = (await pair.bytes()).fromA;
    });
    assert.is(datagramBytes, 1452);
    assert.ok(receivedBytes > bytesBefore + 1e6, `${receivedBytes} bytes, ${bytesBefore} of them before`);
  }));

test.run();
