// `pfs check` as users run it: after a kill, beside a daemon, of a volume in use, and with bytes fetched from the peer.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckReportResult } from '../../src/control/methods.ts';
import { connectedPeers } from '../support/cluster.ts';
import { waitFor } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const FILES = 40;
const FILE_BYTES = 100_000;

function largestData(stateDirectory: string): string {
  const blob = join(stateDirectory, 'blob');
  const files = readdirSync(blob, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.data'));
  const [largest = ''] = files.map((name) => join(blob, name)).sort((a, b) => statSync(b).size - statSync(a).size);
  return largest;
}

const test = suite('check');

test(
  'nothing is found after a kill, at rest and in use; damage is named by path and repaired from the peer',
  withCluster(async ({ a, b }) => {
    mkdirSync(a.at('folder'));
    const contents = Array.from({ length: FILES }, () => randomBytes(FILE_BYTES));
    for (const [index, content] of contents.entries()) writeFileSync(a.at('folder', `file-${index}`), content);
    await a.sync();
    writeFileSync(a.at('last'), 'closed just before the kill');
    await a.kill();
    const killed = await a.pfs('check', '--data');
    assert.is(killed.code, 0, killed.stdout + killed.stderr);
    await a.start();
    assert.is((await a.pfs('check')).code, 11);
    for (const node of [a, b]) {
      const used = await node.pfs('check', '--online');
      assert.is(used.code, 0, used.stdout + used.stderr);
    }

    const file = openSync(largestData(a.stateDirectory), 'r+');
    writeSync(file, randomBytes(16), 0, 16, 1_000_000);
    closeSync(file);
    const damaged = await a.pfs('check', '--online', '--data', '--json');
    assert.is(damaged.code, 3, damaged.stderr);
    const { findings } = JSON.parse(damaged.stdout) as CheckReportResult;
    assert.ok(findings.some(({ code }) => code === 'chunk-data'));
    const [path = ''] = findings.filter(({ code }) => code === 'extent-unresolved').map((finding) => finding.path);
    assert.match(path, /^\/folder\/file-\d+$/);
    await waitFor('the peer to come back', async () => ((await connectedPeers(a)) > 0 ? true : undefined), 60_000);
    const repaired = await a.pfs('check', '--online', '--data', '--repair');
    assert.is(repaired.code, 0, repaired.stdout + repaired.stderr);
    assert.match(repaired.stdout, 'fetched from a peer');
    const index = Number(path.split('-')[1]);
    await a.stop();
    assert.is((await a.pfs('check', '--data')).code, 0);
    await a.start();
    assert.ok(readFileSync(a.at('folder', `file-${index}`)).equals(contents[index] ?? Buffer.alloc(0)));
  }),
);

test.run();
