// setup.sh: says what is missing where it may not install, and installs nothing where nothing is missing.
import { chmodSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../../support/process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NOBODY = '65534';
const SYSTEM_FOLDERS = ['/usr/bin', '/usr/local/bin'];

/** A folder with every command of the system but those named. */
function commandsWithout(...missing: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'commands-'));
  chmodSync(folder, 0o755);
  const seen = new Set(missing);
  for (const system of SYSTEM_FOLDERS) {
    for (const name of readdirSync(system)) {
      if (seen.has(name)) continue;
      seen.add(name);
      symlinkSync(join(system, name), join(folder, name));
    }
  }
  return folder;
}

const asNobody = (path: string, ...groups: readonly string[]): ReturnType<typeof run> =>
  run('setpriv', ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', 'bash', '-s', '--', ...groups], {
    environment: { PATH: path },
    input: setupScript,
  });

const setupScript = (await run('cat', [join(ROOT, 'setup.sh')])).stdout;

test('who may not install is told what is missing, and the exit code is 2', async () => {
  const { code, stderr } = await asNobody(commandsWithout('g++', 'sudo'), 'build');
  assert.is(code, 2, stderr);
  assert.match(stderr, /missing: .*g\+\+/);
  assert.match(stderr, 'apt-get install');
});

test('a Node that is missing is said first', async () => {
  const { code, stderr } = await asNobody(commandsWithout('node', 'nodejs'), 'build');
  assert.is(code, 2, stderr);
  assert.match(stderr, 'Node 20');
});

test('where nothing is missing it installs nothing and is quick, also for who may not install', async () => {
  const started = Date.now();
  const { code, stdout, stderr } = await asNobody(commandsWithout('sudo'), 'build');
  assert.is(code, 0, stderr);
  assert.is(stdout, '');
  assert.ok(Date.now() - started < 5000);
});

test('a library early in a long list of them is found: what lists them is not cut off', async () => {
  const commands = commandsWithout('sudo', 'ldconfig');
  const list = join(commands, 'ldconfig');
  writeFileSync(list, "#!/bin/sh\necho '\tlibfuse.so.2 (libc6) => /lib/libfuse.so.2'\nexec seq 100000\n", {
    mode: 0o755,
  });
  const { code, stderr } = await asNobody(commands, 'build');
  assert.is(code, 0, stderr);
});

test('an unknown group is refused', async () => {
  const { code, stderr } = await run('bash', [join(ROOT, 'setup.sh'), 'everything']);
  assert.is(code, 2);
  assert.match(stderr, 'everything');
});

test.run();
