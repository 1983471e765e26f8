// The long form of the random-operation checker (`make test-random`): many seeds on two mounts until PFS_OPERATIONS are
// done; on the first several checkers beside each other, on the second one that remounts and kills the daemon as it goes.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecked } from './process.ts';
import { buildChecker, type CheckerOptions, expectNoMismatch, mountHooks, seedOfRun } from './random-operations.ts';

const OPERATIONS_DEFAULT = 10_000_000;
const OPERATIONS_PER_SEED = 200_000;
const CHECKERS_ON_QUIET_MOUNT = 4;
const REMOUNT_EVERY = 40_000;
const KILL_EVERY = 15_000;
const SEED_LIMIT_MS = 3 * 3_600_000;
const TREE_EVERY_SEEDS = 5;
const PORTS = [27_434, 27_435] as const;

const wanted = Number(process.env.PFS_OPERATIONS ?? OPERATIONS_DEFAULT);
let nextSeed = seedOfRun();
let done = 0;
let planned = 0;

/** Seeds one after the other until enough is planned; each failure ends the run with what the checker told. */
async function check(directory: string, hooks: Pick<CheckerOptions, 'remount' | 'kill'>): Promise<void> {
  while (planned < wanted) {
    const operations = Math.min(OPERATIONS_PER_SEED, wanted - planned);
    planned += operations;
    const seed = nextSeed++;
    const kind = seed % TREE_EVERY_SEEDS === 0 ? 'tree' : 'content';
    await expectNoMismatch(directory, { kind, seed, operations, limitMs: SEED_LIMIT_MS, ...hooks });
    rmSync(join(directory, `${kind}-${seed}`), { recursive: true });
    done += operations;
    console.log(`${kind}, seed ${seed}: ${operations} operations, no mismatch; ${done} of ${wanted}`);
  }
}

await buildChecker();
const root = mkdtempSync(join(tmpdir(), 'random-long-'));
const mounts = PORTS.map((port, index) => {
  const directory = join(root, `mount-${index}`);
  mkdirSync(directory);
  return { directory, hooks: mountHooks({ state: join(root, `state-${index}`), directory, port }) };
});
for (const { hooks } of mounts) await runChecked('sh', ['-c', hooks.mount]);
const [quiet, disturbed] = mounts;
if (quiet === undefined || disturbed === undefined) throw new Error('two mounts are needed');
await Promise.all([
  ...Array.from({ length: CHECKERS_ON_QUIET_MOUNT }, () => check(quiet.directory, {})),
  check(disturbed.directory, {
    remount: { command: disturbed.hooks.remount, every: REMOUNT_EVERY },
    kill: { command: disturbed.hooks.kill, every: KILL_EVERY },
  }),
]);
for (const { hooks } of mounts) await runChecked('sh', ['-c', hooks.unmount]);
rmSync(root, { recursive: true });
console.log(`${done} operations, no mismatch`);
