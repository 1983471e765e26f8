// Whole clusters under virtual time and seeded faults (DESIGN §10: all nodes end equal). PFS_SEED replays one seed,
// PFS_SEEDS sets how many run.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logKey } from '../../src/replication/log-name.ts';
import { Cluster, type ClusterOptions, receivedUniqueBytes } from './support/cluster.ts';

const seeds = process.env['PFS_SEED']
  ? [Number(process.env['PFS_SEED'])]
  : range(Number(process.env['PFS_SEEDS'] ?? 40));
const SETTLE_MS = 300_000;

function range(count: number): number[] {
  const start = Math.floor(Math.random() * 1e9);
  return Array.from({ length: count }, (_, index) => start + index);
}

const PAIR = [[0, 1]] as const;
const line = (nodes: number): [number, number][] => Array.from({ length: nodes - 1 }, (_, index) => [index, index + 1]);
function mesh(nodes: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let left = 0; left < nodes; left++) for (let right = left + 1; right < nodes; right++) pairs.push([left, right]);
  return pairs;
}

interface Workload {
  readonly writes: number;
  readonly cuts: number;
  readonly restarts: number;
  readonly durationMs: number;
}

/** Schedules writes, commits, cuts and restarts at random times, runs them, heals, and waits until all is quiet. */
async function run(options: ClusterOptions, workload: Workload): Promise<Cluster> {
  const cluster = new Cluster(options);
  const { scheduler, random } = cluster;
  for (let count = 0; count < workload.writes; count++) {
    const node = cluster.node(random.below(cluster.nodes.length));
    const time = random.next() * workload.durationMs;
    if (node.mode === 'receive-only') continue;
    scheduler.at(time, () => node.volume.write(random.between(0, 12)));
    scheduler.at(time + random.next() * 50, () => node.volume.commitNow());
  }
  for (let count = 0; count < workload.cuts; count++) {
    const link = random.below(cluster.linkCount);
    const time = random.next() * workload.durationMs;
    scheduler.at(time, () => cluster.cut(link));
    scheduler.at(time + random.next() * 1000, () => cluster.connect(link));
  }
  for (let count = 0; count < workload.restarts; count++) {
    const node = random.below(cluster.nodes.length);
    scheduler.at(random.next() * workload.durationMs, () => cluster.restart(node));
  }
  cluster.connectAll();
  await cluster.runUntil(workload.durationMs + 100);
  for (const node of cluster.nodes) node.volume.commitNow();
  cluster.connectAll();
  const quiet = await cluster.settle(SETTLE_MS);
  assert.ok(quiet, `it settles\n${cluster.describe()}`);
  for (const node of cluster.nodes) node.volume.commitNow();
  await cluster.settle(SETTLE_MS);
  return cluster;
}

function property(name: string, check: (seed: number) => Promise<void>): void {
  const test = suite(name);
  test(`${name} (${seeds.length} seeds from ${seeds[0]})`, async () => {
    for (const seed of seeds) {
      try {
        await check(seed);
      } catch (error) {
        console.error(`PFS_SEED=${seed} replays this`);
        throw error;
      }
    }
  });
  test.run();
}

property('two nodes end equal and no literal byte is sent twice', async (seed) => {
  const cluster = await run({ seed, nodes: 2, topology: PAIR }, { writes: 20, cuts: 0, restarts: 0, durationMs: 2000 });
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.ok(cluster.equalBytes(), 'both hold the same bytes');
  assert.is(cluster.literalBytesSent, receivedUniqueBytes(cluster));
});

property('a cut link resumes, and only what was in flight is sent again', async (seed) => {
  const cluster = await run({ seed, nodes: 2, topology: PAIR }, { writes: 30, cuts: 4, restarts: 0, durationMs: 3000 });
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.ok(cluster.equalBytes(), 'both hold the same bytes');
  const boundBytes = receivedUniqueBytes(cluster) + cluster.literalBytesLost;
  assert.ok(cluster.literalBytesSent <= boundBytes, `${cluster.literalBytesSent} sent, ${boundBytes} allowed`);
});

property('with seeds, what is found comes as no literal, and what is not comes once', async (seed) => {
  const cluster = await run(
    { seed, nodes: 2, topology: PAIR, seeds: 0.7 },
    { writes: 40, cuts: 0, restarts: 0, durationMs: 2000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.ok(cluster.equalBytes(), 'both hold the same bytes');
  const filled = cluster.recipeBytesFilled();
  assert.ok(filled > 0, 'recipes were filled');
  assert.is(cluster.literalBytesSent + filled, receivedUniqueBytes(cluster));
  assert.is(cluster.asksSent(), 0, 'what is missing comes without an ask');
});

property('with seeds, nodes that are cut off, fail and start again converge', async (seed) => {
  const nodes = 2 + (seed % 3);
  const faults = { rejectStore: 0.05, flipBit: 0, failPack: 0.02, failApply: 0.05 };
  const cluster = await run(
    { seed, nodes, topology: mesh(nodes), seeds: 0.5, faults, lenient: true },
    { writes: 40, cuts: 4, restarts: 2, durationMs: 3000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.equal(
    cluster.nodes.flatMap((node) => node.volume.damaged()),
    [],
  );
});

property('recipes that cannot be stored stop nothing', async (seed) => {
  const faults = { rejectStore: 0.3, flipBit: 0, failPack: 0, failApply: 0 };
  const cluster = await run(
    { seed, nodes: 2, topology: PAIR, seeds: 1, faults, lenient: true },
    { writes: 40, cuts: 0, restarts: 0, durationMs: 2000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.ok(cluster.equalBytes(), 'both hold the same bytes');
});

property('a mesh of nodes ends equal; without cuts no byte comes twice', async (seed) => {
  const nodes = 3 + (seed % 3);
  const cluster = await run(
    { seed, nodes, topology: mesh(nodes) },
    { writes: 30, cuts: 0, restarts: 0, durationMs: 1500 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
  assert.is(cluster.literalBytesSent, receivedUniqueBytes(cluster));
});

property('nodes in a line converge', async (seed) => {
  const nodes = 3 + (seed % 3);
  const cluster = await run(
    { seed, nodes, topology: line(nodes) },
    { writes: 20, cuts: 2, restarts: 0, durationMs: 2000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
});

property('nodes that die and start again converge', async (seed) => {
  const nodes = 2 + (seed % 3);
  const cluster = await run(
    { seed, nodes, topology: mesh(nodes) },
    { writes: 25, cuts: 3, restarts: 3, durationMs: 3000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
});

property(
  'full disks, read errors, failing commits and flipped bits delay, and all nodes still end equal',
  async (seed) => {
    const nodes = 2 + (seed % 3);
    const faults = { rejectStore: 0.1, flipBit: 0.02, failPack: 0.05, failApply: 0.1 };
    const options = { seed, nodes, topology: mesh(nodes), faults, lenient: true };
    const cluster = await run(options, { writes: 25, cuts: 2, restarts: 1, durationMs: 2000 });
    assert.ok(cluster.equalNodes(), cluster.describe());
  },
);

property('on a slow link nothing is asked for that is on its way', async (seed) => {
  const profile = { latencyMs: 300, jitterMs: 100, bytesPerMs: 1 };
  const cluster = await run(
    { seed, nodes: 2, topology: PAIR, profile },
    { writes: 15, cuts: 1, restarts: 0, durationMs: 1000 },
  );
  assert.ok(cluster.equalNodes(), cluster.describe());
});

property('a receive-only and a send-only node do as they say', async (seed) => {
  const modes = ['send-only', 'two-way', 'receive-only'] as const;
  const cluster = await run(
    { seed, nodes: 3, topology: mesh(3), modes },
    { writes: 20, cuts: 1, restarts: 0, durationMs: 1500 },
  );
  const [sender, middle, receiver] = cluster.nodes.map((node) => node.volume.fingerprint());
  assert.is(middle, receiver, cluster.describe());
  assert.ok(sender?.split('\n').every((log) => log.startsWith('01') || log === ''));
  assert.ok(
    cluster
      .node(2)
      .volume.logs()
      .every((state) => logKey(state.log).startsWith('03') === false || state.applied === 0n),
  );
});
