// git on the mount: what it clones, packs again and prunes is whole by its own check, also after a remount.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeRepository } from '../../support/git-history.ts';
import { runChecked } from '../../support/process.ts';
import { shortOrLong } from '../../support/program-sizes.ts';
import { withNode } from '../../support/with-node.ts';

const COMMITS = shortOrLong(300, 10_000);
const FILES = shortOrLong(200, 2000);
const LIMIT_MS = 600_000;

const test = suite('git');

const git = (...parameters: readonly string[]): Promise<string> => runChecked('git', parameters, { limitMs: LIMIT_MS });

test(
  `a clone of ${COMMITS} commits passes fsck before and after gc and a remount`,
  withNode(async (node) => {
    const repository = join(tmpdir(), 'repository.git');
    await makeRepository(repository, { commits: COMMITS, files: FILES, seed: 1 });
    const head = await git('-C', repository, 'rev-parse', 'main');
    const clone = node.at('clone');
    await git('clone', '--quiet', '--no-local', repository, clone);
    await expectWhole(clone, head);
    await git('-C', clone, 'gc', '--quiet', '--prune=now');
    await expectWhole(clone, head);
    await node.stop();
    await node.start();
    await expectWhole(clone, head);
  }),
);

/** fsck exits non-zero on any damage; a working tree that differs from its commit shows in status. */
async function expectWhole(clone: string, head: string): Promise<void> {
  await git('-C', clone, 'fsck', '--full', '--strict');
  assert.is(await git('-C', clone, 'rev-parse', 'HEAD'), head);
  assert.is(await git('-C', clone, 'rev-list', '--count', 'HEAD'), `${COMMITS}\n`);
  assert.is(await git('-C', clone, 'status', '--porcelain'), '');
}

test(
  'branches are made, merged and checked out in place',
  withNode(async (node) => {
    const repository = join(tmpdir(), 'branches.git');
    await makeRepository(repository, { commits: 20, files: FILES, seed: 2 });
    const clone = node.at('clone');
    await git('clone', '--quiet', repository, clone);
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-C', clone];
    await git(...identity, 'checkout', '--quiet', '-b', 'old', 'HEAD~15');
    await git(...identity, 'commit', '--quiet', '--allow-empty', '-m', 'On the old branch');
    await git(...identity, 'merge', '--quiet', '--no-edit', 'main');
    await git(...identity, 'checkout', '--quiet', 'main');
    await git(...identity, 'merge', '--quiet', '--ff-only', 'old');
    await git(...identity, 'fsck', '--full', '--strict');
    assert.is(await git(...identity, 'diff', 'old', '--stat'), '');
    assert.is(await git(...identity, 'status', '--porcelain'), '');
  }),
);

test.run();
