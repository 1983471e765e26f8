// `make demo`: two machines (network namespaces) joined by one wire, `pfs-mount` on each; copies real trees into A and
// compares B with the source by a program that shares no code with PacketFS. Prints per step what it cost on the wire,
// as the interfaces count it in both directions, and whether that is within the bounds that PacketFS promises.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../../test/support/cluster.ts';
import { compareTrees } from '../../test/support/compare-trees.ts';
import { unmountBelow } from '../../test/support/mounts.ts';
import { removeNamespacesOf } from '../../test/support/namespaces.ts';
import { runChecked } from '../../test/support/process.ts';
import { formatRow, printHeader, printVerdicts, type StepRow, type Verdict } from './table.ts';
import { type DemoTrees, makeTrees, measureTree } from './trees.ts';

const STEP_LIMIT_MS = 300_000;
const SYNC_LIMIT_SECONDS = 240;

/** The promised costs on the wire. */
const FIRST_COPY_OF_COMPRESSED_MAX = 1.05;
const NEXT_RELEASE_OF_COMPRESSED_MAX = 0.1;
const INTERNAL_COPY_BYTES_PER_FILE_MAX = 300;
const RENAME_BYTES_MAX = 4096;

class Demo {
  readonly #cluster: Cluster;
  readonly #verdicts: Verdict[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  /** Runs a command on A, waits until B has it all, and prints the row. */
  async step(name: string, command: readonly [string, ...string[]], tree: string): Promise<StepRow> {
    const { a, wire } = this.#cluster;
    const measured = await measureTree(tree);
    const before = await wire.bytes();
    const started = process.hrtime.bigint();
    await runChecked(command[0], command.slice(1), { limitMs: STEP_LIMIT_MS });
    const localSeconds = secondsSince(started);
    await a.sync(SYNC_LIMIT_SECONDS);
    const after = await wire.bytes();
    const row = {
      name,
      ...measured,
      fromA: after.fromA - before.fromA,
      fromB: after.fromB - before.fromB,
      localSeconds,
      seconds: secondsSince(started),
    };
    process.stdout.write(formatRow(row));
    return row;
  }

  judge(promise: string, kept: boolean, measured: string): void {
    this.#verdicts.push({ promise, kept, measured });
  }

  /** B against a tree that PacketFS never touched. */
  async compare(what: string, source: string, onB: string): Promise<void> {
    const { equal, text } = await compareTrees(source, onB);
    this.judge(`B is identical: ${what}`, equal, text.trimEnd().split('\n').slice(-3).join('; '));
  }
}

async function runSteps(demo: Demo, cluster: Cluster, trees: DemoTrees): Promise<void> {
  const { a, b } = cluster;
  const first = await demo.step('first copy', ['cp', '-a', trees.first, a.at('tree')], trees.first);
  const firstShare = wireBytes(first) / first.compressedBytes;
  demo.judge(
    `first copy <= ${FIRST_COPY_OF_COMPRESSED_MAX} x tar | zstd -3`,
    firstShare <= FIRST_COPY_OF_COMPRESSED_MAX,
    firstShare.toFixed(3),
  );
  await demo.compare('the first copy', trees.first, b.at('tree'));
  await expectNothingToTransfer(demo, 'A', trees.first, a.at('tree'));
  await expectNothingToTransfer(demo, 'B', trees.first, b.at('tree'));

  const release = join(trees.first, 'typescript');
  const replace: [string, ...string[]] = [
    'rsync',
    '-aHAX',
    '--delete',
    `${trees.nextRelease}/`,
    `${a.at('tree', 'typescript')}/`,
  ];
  const next = await demo.step('next release', replace, trees.nextRelease);
  await runChecked('rsync', ['-aHAX', '--delete', `${trees.nextRelease}/`, `${release}/`]);
  const nextShare = wireBytes(next) / next.compressedBytes;
  demo.judge(
    `next release <= ${NEXT_RELEASE_OF_COMPRESSED_MAX} x tar | zstd -3`,
    nextShare <= NEXT_RELEASE_OF_COMPRESSED_MAX,
    nextShare.toFixed(3),
  );
  await demo.compare('the next release', trees.first, b.at('tree'));

  const copy = await demo.step('cp -a inside', ['cp', '-a', a.at('tree'), a.at('copy')], trees.first);
  const perFile = wireBytes(copy) / copy.files;
  demo.judge(
    `cp -a inside <= ${INTERNAL_COPY_BYTES_PER_FILE_MAX} bytes per file`,
    perFile <= INTERNAL_COPY_BYTES_PER_FILE_MAX,
    perFile.toFixed(1),
  );
  await demo.compare('the copy', trees.first, b.at('copy'));

  const rename = await demo.step('rename', ['mv', a.at('tree'), a.at('renamed')], trees.first);
  demo.judge(`rename <= ${RENAME_BYTES_MAX} bytes`, wireBytes(rename) <= RENAME_BYTES_MAX, String(wireBytes(rename)));
  await demo.compare('the renamed tree', trees.first, b.at('renamed'));
}

/** What rsync, reading every byte, would still transfer: nothing. */
async function expectNothingToTransfer(demo: Demo, node: string, source: string, mounted: string): Promise<void> {
  const listing = await runChecked('rsync', ['-aHAXn', '--checksum', '-i', '--delete', `${source}/`, `${mounted}/`], {
    limitMs: STEP_LIMIT_MS,
  });
  demo.judge(`a second rsync to ${node} transfers nothing`, listing === '', `${listing.split('\n').length - 1} lines`);
}

const wireBytes = (row: StepRow): number => row.fromA + row.fromB;
const secondsSince = (started: bigint): number => Number(process.hrtime.bigint() - started) / 1e9;

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) {
    process.stderr.write('demo: network namespaces and mounts need root: sudo make demo\n');
    process.exitCode = 2;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'pfs-demo-'));
  chmodSync(directory, 0o711);
  process.env.TMPDIR = directory;
  try {
    process.stdout.write('fetching and unpacking real trees …\n');
    const trees = await makeTrees(join(directory, 'trees'));
    const cluster = await startCluster();
    const demo = new Demo(cluster);
    try {
      printHeader();
      await runSteps(demo, cluster, trees);
    } finally {
      await cluster.close();
    }
    process.exitCode = printVerdicts(demo.verdicts) ? 0 : 1;
  } finally {
    await unmountBelow(directory);
    await removeNamespacesOf(process.pid);
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
