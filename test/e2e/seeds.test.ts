// Seeds: what a node has outside the volume, or wrote itself while it was away, does not cross the link again; what a
// seed no longer has comes as ever.
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    assert.ok(sent >= 10 * FILE_BYTES && sent <= 12 * FILE_BYTES, `${sent} bytes were sent`);
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
  withCluster(async ({ a }) => {
    const file = join(mkdtempSync(join(tmpdir(), 'seed-')), 'file');
    writeFileSync(file, 'x');
    mkdirSync(a.at('inside'));
    for (const [path, reason] of [
      [file, /not a directory/],
      [join(file, '..', 'none'), /no such file/],
      [a.at('inside'), /outside of it/],
      [a.stateDirectory, /outside of it/],
    ] as const) {
      const { code, stderr } = await a.pfs('seed', path);
      assert.is(code, EXIT_CODES.usage, path);
      assert.match(stderr, reason);
    }
    assert.match((await a.pfs('seed', '--forget', '/usr')).stderr, /no seed/);
    assert.equal((await seeds(a)).directories, []);
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
