// `make install` puts working commands in place, and the Dockerfile's build steps work as a script in a directory that
// holds nothing but the sources.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, runChecked } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_LIMIT_MS = 500_000;

/** The RUN commands of the build stage, with the image below `image`. */
function dockerSteps(image: string): string[] {
  const [, stage = ''] =
    /# steps of the build stage\n([\s\S]*?)# end of the steps/.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ??
    [];
  return [...stage.matchAll(/^RUN (.+)$/gm)].map(([, command = '']) =>
    command.replace('DESTDIR=/image', `DESTDIR=${image}`),
  );
}

/** What `COPY . .` takes: the sources as git knows them, also those not committed yet. */
function copySources(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const script =
    'git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - | tar -C "$1" -xf -';
  execFileSync('sh', ['-ec', script, '-', directory], { cwd: ROOT });
}

const test = suite('install');

test('make install puts each command where it belongs, and pfs runs from there', async () => {
  const prefix = join(mkdtempSync(join(tmpdir(), 'install-')), 'prefix');
  await runChecked('make', ['install', `PREFIX=${prefix}`], { directory: ROOT, limitMs: BUILD_LIMIT_MS });
  for (const command of ['bin/pfs', 'bin/pfs-mount', 'sbin/mount.pfs', 'sbin/mount.fuse.pfs']) {
    assert.ok(existsSync(join(prefix, command)), command);
  }
  // mount(8) gives its helpers no HOME and little else.
  const environment = { PATH: '/usr/bin:/bin' };
  const state = join(prefix, 'state');
  await runChecked(join(prefix, 'bin/pfs'), ['init', '--state', state], { environment });
  assert.match(
    await runChecked(join(prefix, 'bin/pfs'), ['invite', '--state', state], { environment }),
    /\npfs1\S+\n$/,
  );
  const { code } = await run(join(prefix, 'sbin/mount.fuse.pfs'), ['only-one-argument'], { environment });
  assert.is(code, 1);
});

test('the steps of the Dockerfile work from the sources alone', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'docker-'));
  const sources = join(scratch, 'packetfs');
  const image = join(scratch, 'image');
  copySources(sources);
  const steps = dockerSteps(image);
  assert.ok(
    steps.some((step) => step.includes('make install')),
    steps.join('; '),
  );
  await runChecked('sh', ['-ec', steps.join('\n')], { directory: sources, limitMs: BUILD_LIMIT_MS });
  for (const path of [
    'usr/local/bin/pfs',
    'usr/local/bin/pfs-mount',
    `${realpathSync('/sbin')}/mount.pfs`,
    'usr/local/lib/packetfs/dist/src/cli/pfs.js',
  ]) {
    assert.ok(existsSync(join(image, path)), path);
  }
});

test.run();
