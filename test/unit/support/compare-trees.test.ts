import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTrees } from '../../support/compare-trees.ts';

function makeTree(root: string): void {
  mkdirSync(join(root, 'directory'), { recursive: true });
  writeFileSync(join(root, 'directory', 'file'), 'text');
  linkSync(join(root, 'directory', 'file'), join(root, 'linked'));
  symlinkSync('directory/file', join(root, 'symlink'));
  execFileSync('setfattr', ['-n', 'user.colour', '-v', 'blue', join(root, 'linked')]);
  execFileSync('mkfifo', [join(root, 'fifo')]);
}

const changes: Readonly<Record<string, (root: string) => void>> = {
  'content of': (root) => {
    execFileSync('sh', [
      '-c',
      'touch -r "$1" "$1.time" && printf TEXT >"$1" && touch -r "$1.time" "$1" && rm "$1.time"',
      '-',
      join(root, 'linked'),
    ]);
  },
  'mode of': (root) => chmodSync(join(root, 'linked'), 0o600),
  'modified of': (root) => execFileSync('touch', ['-d', '2001-01-01T00:00:00.000000001Z', join(root, 'linked')]),
  'target of': (root) => {
    unlinkSync(join(root, 'symlink'));
    symlinkSync('elsewhere', join(root, 'symlink'));
  },
  'attributes of': (root) => execFileSync('setfattr', ['-x', 'user.colour', join(root, 'linked')]),
  'linked with of': (root) => {
    execFileSync('sh', ['-c', 'cp -p "$1" "$1.new" && mv "$1.new" "$1"', '-', join(root, 'linked')]);
  },
  'only in the second': (root) => writeFileSync(join(root, 'new'), ''),
  'only in the first': (root) => unlinkSync(join(root, 'fifo')),
};

for (const [difference, change] of Object.entries(changes)) {
  test(`a difference is found and named: ${difference}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'compare-'));
    try {
      const [first, second] = [join(directory, 'first'), join(directory, 'second')];
      makeTree(first);
      execFileSync('cp', ['-a', first, second]);
      lutimesSync(join(first, 'symlink'), 1, 1);
      lutimesSync(join(second, 'symlink'), 1, 1);
      const same = await compareTrees(first, second);
      assert.ok(same.equal, same.text);
      change(second);
      const changed = await compareTrees(first, second);
      assert.not.ok(changed.equal);
      assert.match(changed.text, difference);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test.run();
