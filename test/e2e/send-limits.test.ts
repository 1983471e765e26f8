// What a node was told of how much it may send, and how, holds on the wire: --max-rate and --congestion.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectedPeers } from '../support/cluster.ts';
import { waitFor } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const BYTES_PER_SECOND = 1_000_000;
const FILE_BYTES = 4_000_000;
/** What may go at once after a pause, and what the clocks of the two measurements differ by. */
const LEAST_SHARE = 0.9;

const test = suite('send limits');

test(
  'a node sends no faster than --max-rate, with the congestion control that it was given',
  withCluster(async ({ a, b, wire }) => {
    await a.stop();
    await a.start(['--max-rate', '1MB', '--congestion', 'fair']);
    await waitFor('the peer to connect', async () => (await connectedPeers(a)) > 0 || undefined);
    const { maxRateBytesPerSecond, peers } = await a.status();
    assert.is(maxRateBytesPerSecond, BYTES_PER_SECOND);
    assert.is(peers[0]?.congestion, 'fair');
    assert.is((await b.status()).peers[0]?.congestion, 'bulk');
    const before = await wire.bytes();
    const startedAt = performance.now();
    writeFileSync(a.at('file'), randomBytes(FILE_BYTES));
    await a.sync();
    const seconds = (performance.now() - startedAt) / 1000;
    const sent = (await wire.bytes()).fromA - before.fromA;
    assert.ok(sent > FILE_BYTES, `${sent} bytes on the wire`);
    assert.ok(seconds > (LEAST_SHARE * sent) / BYTES_PER_SECOND, `${sent} bytes in ${seconds} s`);
  }),
);

test.run();
