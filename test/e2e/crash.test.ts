// SIGKILL in the middle of a copy: what was closed is there after a remount, and replication goes on where it was.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Acknowledged, startWriter } from '../support/acknowledged-writer.ts';
import type { TestNode } from '../support/cluster.ts';
import { connectedPeers } from '../support/cluster.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { waitFor } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 2 * MIB;
const FILES = 96;
/** Kill when about a third has been acknowledged. */
const KILL_AFTER_FILES = 32;
/** Bytes that were under way or not yet durable at the kill are sent again: bounded, and far from everything. */
const RESENT_BYTES_MAX = 72 * MIB;

function expectFiles(node: TestNode, files: readonly Acknowledged[]): void {
  for (const { name, sha256 } of files) {
    const seen = createHash('sha256')
      .update(readFileSync(node.at(name)))
      .digest('hex');
    assert.is(seen, sha256, name);
  }
}

const test = suite('crash');

test(
  'killing the writing node loses nothing that was closed, and the peer is sent only what it lacks',
  withCluster(async ({ a, b, wire }) => {
    const writer = startWriter({ directory: a.mountPoint, files: FILES, fileBytes: FILE_BYTES });
    await waitFor('files to be acknowledged', () =>
      writer.acknowledged.length >= KILL_AFTER_FILES ? true : undefined,
    );
    await a.kill();
    await writer.ended;
    const acknowledged = [...writer.acknowledged];
    assert.ok(acknowledged.length < FILES, 'the copy was over before the kill');
    await a.start();
    expectFiles(a, acknowledged);
    await waitFor('the peer to come back', async () => ((await connectedPeers(a)) > 0 ? true : undefined), 60_000);
    await a.sync();
    expectFiles(b, acknowledged);
    const { fromA } = await wire.bytes();
    const most = acknowledged.length * FILE_BYTES * 1.05 + RESENT_BYTES_MAX;
    assert.ok(fromA <= most, `${fromA} bytes on the wire, at most ${most}`);
    const { equal, text } = await compareTrees(a.mountPoint, b.mountPoint);
    assert.ok(equal, text);
  }),
);

test(
  'killing the receiving node makes it catch up without starting over',
  withCluster(async ({ a, b, wire }) => {
    const writer = startWriter({ directory: a.mountPoint, files: FILES, fileBytes: FILE_BYTES });
    await waitFor('files to be acknowledged', () =>
      writer.acknowledged.length >= KILL_AFTER_FILES ? true : undefined,
    );
    await b.kill();
    await b.start();
    await writer.ended;
    assert.is(writer.acknowledged.length, FILES);
    await waitFor('the peer to come back', async () => ((await connectedPeers(a)) > 0 ? true : undefined), 60_000);
    await a.sync();
    expectFiles(b, writer.acknowledged);
    const { fromA } = await wire.bytes();
    const most = FILES * FILE_BYTES * 1.05 + RESENT_BYTES_MAX;
    assert.ok(fromA <= most, `${fromA} bytes on the wire, at most ${most}`);
  }),
);

test(
  'a node killed again and again keeps what was fsynced',
  withCluster(async ({ a, b }) => {
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < 3; round++) {
      const options = {
        directory: a.mountPoint,
        files: 200,
        fileBytes: 100_000,
        prefix: `round-${round}-`,
        sync: true,
      };
      const writer = startWriter(options);
      await waitFor('files to be acknowledged', () => (writer.acknowledged.length >= 20 ? true : undefined));
      await a.kill();
      await writer.ended;
      acknowledged.push(...writer.acknowledged);
      await a.start();
      expectFiles(a, acknowledged);
    }
    await a.sync();
    expectFiles(b, acknowledged);
  }),
);

test.run();
