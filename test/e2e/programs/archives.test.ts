// tar and rsync on the mount: whatever a tree has (attributes, ACLs, holes, links of both kinds, special files, any name)
// survives the way in and out again, and a second rsync finds nothing to do.
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTrees } from '../../support/compare-trees.ts';
import { runChecked } from '../../support/process.ts';
import { shortOrLong } from '../../support/program-sizes.ts';
import { makeSourceTree } from '../../support/source-tree.ts';
import { withNode } from '../../support/with-node.ts';

const TAR = ['--xattrs', '--xattrs-include=*', '--acls', '--sparse', '--numeric-owner', '--format=posix'];
const RSYNC = ['-aHAX', '--sparse', '--numeric-ids'];
const LIMIT_MS = 300_000;
const BYTES_PER_BLOCK = 512;
const SPARSE = join('other-kinds', 'sparse');

const test = suite('archives');

const source = join(tmpdir(), 'source');
makeSourceTree(source, shortOrLong(['protobufjs'], undefined));

async function expectEqual(first: string, second: string): Promise<void> {
  const { equal, text } = await compareTrees(first, second);
  assert.ok(equal, text);
}

/** The file is 10 MiB of hole and three bytes. */
function expectHole(path: string): void {
  const { blocks } = statSync(path);
  assert.ok(blocks * BYTES_PER_BLOCK < 1024 * 1024, `${path} takes ${blocks} blocks`);
}

test(
  'a tree goes through tar into the mount and out again unchanged',
  withNode(async (node) => {
    const [inward, outward] = [join(tmpdir(), 'in.tar'), join(tmpdir(), 'out.tar')];
    const back = join(tmpdir(), 'back');
    await runChecked('mkdir', [node.at('tree'), back]);
    await runChecked('tar', [...TAR, '-cf', inward, '-C', source, '.']);
    await runChecked('tar', [...TAR, '-xpf', inward, '-C', node.at('tree')]);
    await expectEqual(source, node.at('tree'));
    await runChecked('tar', [...TAR, '--compare', '-f', inward, '-C', node.at('tree')]);
    expectHole(node.at('tree', SPARSE));
    await runChecked('tar', [...TAR, '-cf', outward, '-C', node.at('tree'), '.']);
    await runChecked('tar', [...TAR, '-xpf', outward, '-C', back]);
    await expectEqual(source, back);
    expectHole(join(back, SPARSE));
  }),
);

test(
  'a second rsync transfers nothing, into, inside and out of the mount, also after a remount',
  withNode(async (node) => {
    const back = join(tmpdir(), 'rsync-back');
    const steps = [
      [source, node.at('in')],
      [node.at('in'), node.at('inside')],
      [node.at('inside'), back],
    ] as const;
    for (const [from, to] of steps) {
      await runChecked('rsync', [...RSYNC, `${from}/`, `${to}/`], { limitMs: LIMIT_MS });
      assert.is(await whatRsyncWouldDo(from, to), '');
      expectHole(join(to, SPARSE));
    }
    await expectEqual(source, back);
    await node.stop();
    await node.start();
    for (const [from, to] of steps) assert.is(await whatRsyncWouldDo(from, to), '');
  }),
);

/** Reading every byte on both sides. */
const whatRsyncWouldDo = (from: string, to: string): Promise<string> =>
  runChecked('rsync', [...RSYNC, '--checksum', '--delete', '--dry-run', '--itemize-changes', `${from}/`, `${to}/`], {
    limitMs: LIMIT_MS,
  });

test.run();
