// What is stored: seven kinds of data, of each several releases of the same thing in the order in which they came. All
// of it is fetched from the npm registry or made from a seed, so that every run stores the same bytes (but for a few times
// in disk images).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { unpackArchive, unpackPackage } from '../npm-packages.ts';
import { makeDiskImage } from './disk-images.ts';
import { makeSnapshots, type SnapshotSizes } from './sqlite-snapshots.ts';

export interface Family {
  readonly name: string;
  readonly title: string;
  /** Makes the releases in an empty directory, each in a directory of its own; the paths of these. */
  readonly make: (directory: string) => Promise<readonly string[]>;
}

const FULL_SNAPSHOTS: SnapshotSizes = { rows: 100_000, snapshots: 6 };
const QUICK_SNAPSHOTS: SnapshotSizes = { rows: 5000, snapshots: 2 };
const QUICK_RELEASES = 2;
const IMAGE_MEGABYTES = 96;

/** `quick`: the first two releases alone, and a small database. */
export function families(quick: boolean): readonly Family[] {
  const releasesOf = (name: string, ...versions: readonly string[]): readonly string[] =>
    versions.slice(0, quick ? QUICK_RELEASES : versions.length).map((version) => `${name}@${version}`);
  return [
    {
      name: 'text',
      title: 'text: typescript',
      make: each(
        releasesOf('typescript', '5.5.2', '5.5.4', '5.6.3', '5.7.3', '5.8.3', '5.9.2', '5.9.3'),
        unpackPackage,
      ),
    },
    {
      name: 'go-binary',
      title: 'Go binary: esbuild',
      make: each(
        releasesOf('@esbuild/linux-x64', '0.25.12', '0.26.0', '0.27.0', '0.27.7', '0.28.0', '0.28.1', '0.28.2'),
        unpackPackage,
      ),
    },
    {
      name: 'rust-binary',
      title: 'Rust binary: biome',
      make: each(releasesOf('@biomejs/cli-linux-x64', '2.6.2', '2.6.5', '2.6.7', '2.6.8'), unpackPackage),
    },
    {
      name: 'small-files',
      title: 'small files: date-fns',
      make: each(releasesOf('date-fns', '3.6.0', '4.0.0', '4.1.0', '4.2.1', '4.4.0'), unpackPackage),
    },
    {
      name: 'tar',
      title: 'tar archives: antd',
      make: each(releasesOf('antd', '5.27.0', '5.27.1', '5.27.2', '5.27.3', '5.27.4'), (release, directory) =>
        unpackArchive(release, join(directory, 'release.tar')),
      ),
    },
    {
      name: 'database',
      title: 'SQLite database',
      make: (directory) => makeSnapshots(directory, quick ? QUICK_SNAPSHOTS : FULL_SNAPSHOTS),
    },
    {
      name: 'disk-image',
      title: 'ext4 images: element-plus',
      make: each(
        releasesOf('element-plus', '2.11.0', '2.11.1', '2.11.2', '2.11.3'),
        async (release, directory, work) => {
          const tree = join(work, `${release}-tree`);
          await unpackPackage(release, tree);
          await makeDiskImage({ tree, path: join(directory, 'disk.img'), megabytes: IMAGE_MEGABYTES });
        },
      ),
    },
  ];
}

/** Makes a numbered directory for each release, and has it filled. */
function each(
  releases: readonly string[],
  fill: (release: string, directory: string, work: string) => Promise<void>,
): Family['make'] {
  return async (directory) => {
    const paths = releases.map((_, index) => join(directory, String(index + 1)));
    for (const [index, release] of releases.entries()) {
      const path = paths[index] ?? '';
      mkdirSync(path);
      await fill(release, path, directory);
    }
    return paths;
  };
}
