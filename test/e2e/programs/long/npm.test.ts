// PacketFS's own dependencies, some 7,800 files, installed on the mount by `npm ci`; then its own tests of pure rooms run
// there, and the installed tree is the one that npm makes on the disk.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runChecked } from '../../../support/process.ts';
import { withNode } from '../../../support/with-node.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** The tests read the worked examples of docs/format. */
const SOURCES = ['package.json', 'package-lock.json', 'tsconfig.json', 'docs', 'src', 'test'];
const NPM_CI = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
const LIMIT_MS = 600_000;

const test = suite('npm');

function copySources(directory: string): void {
  mkdirSync(directory);
  for (const name of SOURCES) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  rmSync(join(directory, 'src/wire/generated'), { recursive: true, force: true });
}

test(
  'npm ci installs a big tree whose programs and tests work',
  withNode(async (node) => {
    const [onMount, onDisk] = [node.at('project'), join(tmpdir(), 'project')];
    for (const directory of [onDisk, onMount]) {
      copySources(directory);
      await runChecked('npm', NPM_CI, { directory, limitMs: LIMIT_MS });
    }
    await runChecked('diff', ['-r', '--no-dereference', join(onDisk, 'node_modules'), join(onMount, 'node_modules')], {
      limitMs: LIMIT_MS,
    });
    await runChecked('bash', ['src/wire/generate.sh'], { directory: onMount, limitMs: LIMIT_MS });
    const runner = ['--import', 'tsx', 'test/support/run.ts', 'test/unit/extent', 'test/unit/wire'];
    const output = await runChecked(process.execPath, runner, { directory: onMount, limitMs: LIMIT_MS });
    assert.match(output, /\n[1-9]\d* passed, 0 failed\n$/);
  }),
);

test.run();
