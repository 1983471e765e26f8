// The same random calls on a mount and on the filesystem of the temporary directory (ext4 here) do the same.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import { TestNode } from '../support/cluster.ts';
import { freeUdpPort } from '../support/free-port.ts';
import { runChecked } from '../support/process.ts';
import { seedOfRun } from '../support/seeded-random.ts';

const SCRIPT = fileURLToPath(new URL('../posix/random_calls.py', import.meta.url));
const SEEDS = 4;
const CALLS = 300;
const LIMIT_MS = 300_000;

const test = suite<{ directory: string; node: TestNode }>('random calls');
test.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'random-calls-'));
  chmodSync(context.directory, 0o755); // other users must get as far as the mount
  context.node = new TestNode({ directory: join(context.directory, 'node'), port: await freeUdpPort() });
  await context.node.start();
});
test.after(async ({ directory, node }) => {
  await node.stop();
  rmSync(directory, { recursive: true });
});

test('return, show and date the same as on the filesystem below', async ({ directory, node }) => {
  const first = seedOfRun();
  for (let seed = first; seed < first + SEEDS; seed++) {
    const [right, checked] = [join(directory, String(seed)), join(node.mountPoint, String(seed))];
    mkdirSync(right);
    mkdirSync(checked);
    await runChecked('python3', [SCRIPT, right, checked, String(seed), String(CALLS)], { limitMs: LIMIT_MS });
  }
});

test.run();
