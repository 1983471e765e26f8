// The random-operation checker on mounts: across remounts and kills of the daemon, and at one of two peers, of which the
// other must end with the same tree. `make test-random` is the long form.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTrees } from '../support/compare-trees.ts';
import { runChecked } from '../support/process.ts';
import { buildChecker, expectNoMismatch, mountHooks, seedOfRun } from '../support/random-operations.ts';
import { withCluster } from '../support/with-cluster.ts';

const PORT = 20_000 + (process.pid % 20_000);
const seed = seedOfRun();
const test = suite('random operations');

test('the checker builds', buildChecker);

test('content and names stay what the model says, across a remount and a kill of the daemon', async () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'random-')), 'mount');
  mkdirSync(directory);
  const hooks = mountHooks({ state: `${directory}-state`, directory, port: PORT });
  await runChecked('sh', ['-c', hooks.mount]);
  const remount = { command: hooks.remount, every: 2_000 };
  const kill = { command: hooks.kill, every: 1_500 };
  await expectNoMismatch(directory, { kind: 'content', seed, operations: 4_000, remount, kill });
  await expectNoMismatch(directory, { kind: 'tree', seed, operations: 2_000, kill });
  await runChecked('sh', ['-c', hooks.unmount]);
});

test(
  'what random operations made at one node is the same at its peer',
  withCluster(async ({ a, b }) => {
    await Promise.all([
      expectNoMismatch(a.mountPoint, { kind: 'content', seed, operations: 3_000, farPercent: 0 }),
      expectNoMismatch(a.mountPoint, { kind: 'tree', seed, operations: 1_000 }),
    ]);
    await a.sync();
    const { equal, text } = await compareTrees(a.mountPoint, b.mountPoint);
    assert.ok(equal, text);
  }),
);

test.run();
