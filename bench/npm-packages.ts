// Real trees for benches and the demo: npm packages at fixed versions, fetched once and kept in a cache.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../test/support/process.ts';
import { cacheDirectory } from './cache.ts';

const FETCH_LIMIT_MS = 300_000;

/** Together about 23,000 files of ordinary sizes: sources, type declarations, styles, maps. */
export const MANY_FILES: readonly string[] = [
  'antd@5.27.4',
  'core-js@3.45.1',
  'date-fns@4.1.0',
  'element-plus@2.11.2',
  'lodash@4.17.21',
  'rxjs@7.8.2',
];

/** `name@version`, into a directory that is made. */
export async function unpackPackage(name: string, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const archive = await fetchPackage(name);
  await runChecked('tar', ['-xzf', archive, '-C', directory, '--strip-components=1', '--no-same-owner']);
}

/** The archive of `name@version` as it was before it was compressed. */
export async function unpackArchive(name: string, path: string): Promise<void> {
  const archive = await fetchPackage(name);
  await runChecked('sh', ['-ec', 'gzip -dc "$1" >"$2"', '-', archive, path]);
}

/** The package's archive, from the cache or else from the npm registry by the ordinary client. */
async function fetchPackage(name: string): Promise<string> {
  const directory = cacheDirectory();
  const archive = join(directory, `${name.replaceAll('/', '+')}.tgz`);
  if (existsSync(archive)) return archive;
  mkdirSync(directory, { recursive: true });
  const packed = await runChecked('npm', ['pack', '--silent', '--pack-destination', directory, name], {
    limitMs: FETCH_LIMIT_MS,
  });
  renameSync(join(directory, packed.trim().split('\n').at(-1) ?? ''), archive);
  return archive;
}
