// The loader: finds the addon from the sources and from dist, and says what to do when it is not there.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../../support/process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SCRIPT = `
  try {
    const { native } = await import('./addon.ts');
    console.log(native.capabilities().simd);
  } catch (error) {
    console.log(error.code + ' ' + error.message);
  }`;

/** A copy of the loader at `folder` of a repository that may have a built addon. */
async function loadFrom(folder: string, isBuilt: boolean): Promise<string> {
  const repository = mkdtempSync(join(tmpdir(), 'pfs-loader-'));
  try {
    for (const file of ['src/addon/addon.ts', 'src/addon/native.ts', 'src/base/errors.ts']) {
      const target = join(repository, folder, file);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(ROOT, file), target);
    }
    symlinkSync(join(ROOT, 'node_modules'), join(repository, 'node_modules'));
    cpSync(join(ROOT, 'package.json'), join(repository, 'package.json'));
    if (isBuilt) symlinkSync(join(ROOT, 'native'), join(repository, 'native'));
    const directory = join(repository, folder, 'src/addon');
    const result = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', SCRIPT], { directory });
    assert.is(result.code, 0, result.stderr);
    return result.stdout.trim();
  } finally {
    rmSync(repository, { recursive: true, force: true });
  }
}

const test = suite('addon');

for (const folder of ['', 'dist']) {
  test(`the built addon is found from '${folder}/src/addon'`, async () => {
    assert.match(await loadFrom(folder, true), /^(portable|avx2|avx512|neon)$/);
  });

  test(`without one, the loader at '${folder}/src/addon' says to run make build`, async () => {
    assert.match(await loadFrom(folder, false), /^PFS_NOT_SUPPORTED .*make build/);
  });
}

test.run();
