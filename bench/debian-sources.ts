// Two releases of a large source tree for benches: Debian's packages of the kernel's source, fetched once by apt and kept
// in a cache. Which releases there are is what the mirrors have today, so whoever uses them writes down which they were.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../test/support/process.ts';
import { cacheDirectory } from './cache.ts';

const FETCH_LIMIT_MS = 600_000;
const PACKAGES = '^linux-source-[0-9.]+$';

export interface DebianRelease {
  readonly package: string;
  readonly version: string;
}

/** The two latest releases of one kernel that apt can fetch, the earlier one first. */
export async function twoKernelReleases(): Promise<readonly [DebianRelease, DebianRelease]> {
  const found = await runChecked('apt-cache', ['search', '--names-only', PACKAGES]);
  const names = found.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ')[0] ?? '']));
  const offered = names.length === 0 ? '' : await runChecked('apt-cache', ['madison', ...names]);
  const releases = latestTwo(offered);
  if (releases !== undefined) return releases;
  throw new Error(
    'apt offers no two releases of any linux-source package: run apt-get update, or add a mirror that does',
  );
}

/**
 * From what `apt-cache madison` prints (package | version | source): of the newest package that has them, the newest
 * version and the newest before it whose upstream release is another one.
 */
export function latestTwo(madison: string): readonly [DebianRelease, DebianRelease] | undefined {
  const all = madison.split('\n').flatMap((line): DebianRelease[] => {
    const [name = '', version = ''] = line.split('|').map((part) => part.trim());
    return version === '' ? [] : [{ package: name, version }];
  });
  const newestFirst = all.sort(
    (first, second) => compare(second.package, first.package) || compare(second.version, first.version),
  );
  for (const next of newestFirst) {
    const previous = newestFirst.find(
      (one) => one.package === next.package && compare(upstream(one), upstream(next)) < 0,
    );
    if (previous !== undefined) return [previous, next];
  }
  return undefined;
}

/** Numbers by their value. */
const compare = (first: string, second: string): number => first.localeCompare(second, 'en', { numeric: true });

const upstream = ({ version }: DebianRelease): string => version.replace(/-[^-]*$/, '');

/** The source tree inside the package, into a directory that is made. */
export async function unpackKernel(release: DebianRelease, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const archive = await fetchDebian(release);
  const inner = join(directory, '.archive');
  const take = 'dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards -f - "*/linux-source-*.tar.*" >"$2"';
  await runChecked('bash', ['-o', 'pipefail', '-ec', take, '-', archive, inner]);
  await runChecked('tar', ['-xf', inner, '-C', directory, '--strip-components=1', '--no-same-owner'], {
    limitMs: FETCH_LIMIT_MS,
  });
  rmSync(inner);
}

/** The package, from the cache or else by the ordinary client. */
async function fetchDebian({ package: name, version }: DebianRelease): Promise<string> {
  const directory = cacheDirectory();
  const archive = join(directory, `${name}=${version.replaceAll(':', '+')}.deb`);
  if (existsSync(archive)) return archive;
  const fresh = join(directory, 'fetching');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  await runChecked('sh', ['-ec', 'cd "$1" && apt-get download -q "$2"', '-', fresh, `${name}=${version}`], {
    limitMs: FETCH_LIMIT_MS,
  });
  await runChecked('sh', ['-ec', 'mv "$1"/*.deb "$2"', '-', fresh, `${archive}.part`]);
  renameSync(`${archive}.part`, archive);
  rmSync(fresh, { recursive: true });
  return archive;
}
