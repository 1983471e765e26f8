// A cut link: local work goes on as if nothing were, and replication resumes by itself.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startWriter } from '../support/acknowledged-writer.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { waitFor } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const CUT_MS = 12_000;
const LOCAL_WRITE_SECONDS_MAX = 3;

const test = suite('link');

test(
  'a link cut during a copy blocks no local work, and the copy arrives by itself once it is back',
  withCluster(async ({ a, b, wire }) => {
    const writer = startWriter({ directory: a.mountPoint, files: 60, fileBytes: 1_000_000 });
    await waitFor('the copy to be under way', () => (writer.acknowledged.length >= 5 ? true : undefined));
    await wire.cut();
    const cutAt = Date.now();
    await writer.ended;
    for (let index = 0; Date.now() - cutAt < CUT_MS; index++) {
      const started = Date.now();
      writeFileSync(a.at(`during-the-cut-${index}`), 'local');
      assert.ok(Date.now() - started < LOCAL_WRITE_SECONDS_MAX * 1000, 'a local write waited');
      await sleep(200);
    }
    const slowest = Math.max(...writer.acknowledged.map(({ seconds }) => seconds));
    assert.is(writer.acknowledged.length, 60);
    assert.ok(slowest < LOCAL_WRITE_SECONDS_MAX, `the slowest local write took ${slowest} s`);
    await wire.restore();
    await a.sync(60);
    const { equal, text } = await compareTrees(a.mountPoint, b.mountPoint);
    assert.ok(equal, text);
  }),
);

test(
  'a sync to an unreachable peer gives up after its time, and not before it could have succeeded',
  withCluster(async ({ a, wire }) => {
    await a.sync(30);
    await wire.cut();
    writeFileSync(a.at('not-there-yet'), 'text');
    const started = Date.now();
    const { code, stderr } = await a.pfs('sync', '--timeout', '3');
    assert.is.not(code, 0);
    assert.match(stderr, 'PFS_TIMEOUT');
    assert.ok(Date.now() - started < 15_000);
    await wire.restore();
    await a.sync(60);
  }),
);

test.run();
