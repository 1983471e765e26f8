// Seeds: what a node has outside the volume, or wrote itself while it was away, does not cross the link again; what a
// seed no longer has comes as ever.
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import type { SeedsStatus } from '../../src/control/methods.ts';
import type { TestNode } from '../support/cluster.ts';
import { runChecked } from '../support/process.ts';
import { withCluster } from '../support/with-cluster.ts';

const test = suite('seeds');
const FILES = 40;
const FILE_BYTES = 150_000;
const TREE_BYTES = FILES * FILE_BYTES;

/** A directory outside the volume with files of random bytes, one of them with holes. */
function tree(): string {
  const directory = mkdtempSync(join(tmpdir(), 'seed-'));
  mkdirSync(join(directory, 'a', 'b'), { recursive: true });
  for (let index = 0; index < FILES; index++) {
    writeFileSync(join(directory, index % 2 === 0 ? 'a' : 'a/b', `file-${index}`), randomBytes(FILE_BYTES));
  }
  truncateSync(join(directory, 'a', 'file-0'), FILE_BYTES + 1_000_000);
  return directory;
}

async function sentBytes(node: TestNode): Promise<number> {
  return Number((await node.status()).peers[0]?.literalBytesSent);
}

const seeds = async (node: TestNode, ...parameters: readonly string[]): Promise<SeedsStatus> =>
  JSON.parse(await node.pfsChecked('seed', ...parameters, '--json')) as SeedsStatus;

const isSame = async (node: TestNode, directory: string): Promise<void> => {
  await runChecked('diff', ['-r', directory, node.at('tree')]);
};

test(
  'a tree that the peer was seeded with arrives for a hundredth of its bytes',
  withCluster(async ({ a, b }) => {
    const directory = tree();
    const status = await seeds(b, directory);
    assert.is(status.directories[0]?.files, FILES);
    assert.is(status.directories[0]?.problemCount, 0);
    cpSync(directory, a.at('tree'), { recursive: true });
    await a.sync();
    await isSame(b, directory);
    const sent = await sentBytes(a);
    assert.ok(sent * 100 <= TREE_BYTES, `${sent} bytes were sent of ${TREE_BYTES}`);
    assert.ok(Number((await seeds(b)).bytesFilled) >= TREE_BYTES * 0.95);
    await b.pfsChecked('scrub', 'start', '--wait');
  }),
);

test(
  'what changed in a seed since it was read comes over the link, and nothing is mixed',
  withCluster(async ({ a, b }) => {
    const directory = tree();
    const original = mkdtempSync(join(tmpdir(), 'seed-'));
    cpSync(directory, original, { recursive: true });
    await seeds(b, directory);
    for (let index = 0; index < 10; index++) {
      const file = join(directory, index % 2 === 0 ? 'a' : 'a/b', `file-${index}`);
      if (index < 5) rmSync(file);
      else writeFileSync(file, randomBytes(FILE_BYTES));
    }
    cpSync(original, a.at('tree'), { recursive: true });
    await a.sync();
    await isSame(b, original);
    const sent = await sentBytes(a);
    // Recipes that find nothing are followed by a while without any.
    assert.ok(sent >= 10 * FILE_BYTES && sent <= 0.7 * TREE_BYTES, `${sent} bytes were sent`);
  }),
);

test(
  'what both wrote while they were apart is not exchanged again',
  withCluster(async ({ a, b }) => {
    const directory = tree();
    await b.stop();
    cpSync(directory, a.at('tree'), { recursive: true });
    await a.stop();
    await b.start();
    cpSync(directory, b.at('copy'), { recursive: true });
    await b.stop();
    await a.start();
    await b.start();
    await b.sync();
    await a.sync();
    await isSame(b, directory);
    await runChecked('diff', ['-r', directory, a.at('copy')]);
    const sent = (await sentBytes(a)) + (await sentBytes(b));
    assert.ok(sent * 50 <= TREE_BYTES, `${sent} bytes were sent of twice ${TREE_BYTES}`);
    for (const node of [a, b]) await node.pfsChecked('scrub', 'start', '--wait');
  }),
);

test(
  'a seed given at the mount is read before anything is asked for',
  withCluster(async ({ a, b }) => {
    const directory = tree();
    await b.stop();
    cpSync(directory, a.at('tree'), { recursive: true });
    await b.start(['--seed', directory]);
    await a.sync();
    await isSame(b, directory);
    const sent = await sentBytes(a);
    assert.ok(sent * 100 <= TREE_BYTES, `${sent} bytes were sent of ${TREE_BYTES}`);
  }),
);

test(
  'a seed that is gone at the mount is shown as failed, and the state is no part of one',
  withCluster(async ({ a, b }) => {
    await b.stop();
    const around = dirname(b.stateDirectory);
    await b.start(['--seed', '/no/such/place', '--seed', around]);
    await b.sync();
    writeFileSync(a.at('file'), randomBytes(FILE_BYTES));
    await a.sync();
    const [gone, own] = (await seeds(b)).directories;
    assert.is(gone?.state, 'failed');
    assert.match(gone?.reason ?? '', /no such file/);
    assert.is(own?.state, 'ready');
    assert.ok((own?.files ?? 99) <= 2, `${own?.files} files: only the log of the daemon lies around`);
  }),
);

test(
  'seeds that are read for long are left when they are forgotten, and nothing waits for those of a running daemon',
  withCluster(async ({ a, b }) => {
    const directory = mkdtempSync(join(tmpdir(), 'seed-'));
    for (let index = 0; index < 8; index++)
      await runChecked('dd', ['if=/dev/urandom', `of=${directory}/${index}`, 'bs=1M', 'count=64', 'status=none']);
    const reading = b.pfs('seed', directory);
    writeFileSync(a.at('file'), randomBytes(FILE_BYTES));
    await a.sync();
    await b.pfsChecked('seed', '--forget', directory);
    await reading;
    assert.equal((await seeds(b)).directories, []);
  }),
);

test(
  'a forgotten seed gives nothing',
  withCluster(async ({ a, b }) => {
    const directory = tree();
    const other = tree();
    await seeds(b, directory);
    await seeds(b, other);
    const left = await seeds(b, '--forget', directory);
    assert.equal(
      left.directories.map(({ path }) => path),
      [other],
    );
    cpSync(directory, a.at('tree'), { recursive: true });
    await a.sync();
    await isSame(b, directory);
    assert.ok((await sentBytes(a)) >= TREE_BYTES);
  }),
);

test(
  'what can be no seed is refused with a reason',
  withCluster(async ({ a, b }) => {
    const scratch = mkdtempSync(join(tmpdir(), 'seed-'));
    const file = join(scratch, 'file');
    writeFileSync(file, 'x');
    mkdirSync(a.at('inside', 'deep'), { recursive: true });
    await a.sync();
    // Names that the kernel has not looked up: the daemon itself must answer for them.
    symlinkSync(b.at('inside', 'deep'), join(scratch, 'link'));
    for (const [path, reason] of [
      [b.at('inside', 'deep'), /outside of it/],
      [join(scratch, 'link'), /outside of it/],
      [file, /not a directory/],
      [join(scratch, 'none'), /no such file/],
      [b.stateDirectory, /outside of it/],
    ] as const) {
      const { code, stderr } = await b.pfs('seed', path);
      assert.is(code, EXIT_CODES.usage, path);
      assert.match(stderr, reason);
    }
    assert.match((await b.pfs('seed', '--forget', '/usr')).stderr, /no seed/);
    assert.equal((await seeds(b)).directories, []);
  }),
);

test(
  'links, pipes and devices are left alone, and any name will do',
  withCluster(async ({ b }) => {
    const directory = tree();
    await runChecked('ln', ['-s', '/dev/zero', join(directory, 'link')]);
    await runChecked('ln', ['-s', '/usr', join(directory, 'directory')]);
    await runChecked('mkfifo', [join(directory, 'pipe')]);
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x66, 0xff])]), 'x');
    const [status] = (await seeds(b, directory)).directories;
    assert.is(status?.state, 'ready');
    assert.is(status?.files, FILES + 1);
    assert.equal(status?.problems, []);
  }),
);

test.run();
