// The data that the rows are made of, in two sizes: the ordinary one is done within minutes, the large one has a kernel's
// sources, releases of 200 MB and a file of 1 GiB. Both are real but for the big file, which is random.
import { type DebianRelease, twoKernelReleases, unpackKernel } from '../debian-sources.ts';
import { MANY_FILES, unpackPackage } from '../npm-packages.ts';

const MEBIBYTE = 2 ** 20;

/** The data of the rows of one group. */
export type Group = 'text' | 'native' | 'many' | 'ten' | 'big';

export interface Tree {
  readonly name: string;
  /** Into a directory that is made. */
  readonly unpack: (directory: string) => Promise<void>;
}

/** Trees that follow each other in the same place, all about as large. */
export interface Releases {
  readonly trees: readonly Tree[];
  /** Of the largest; for what is told before anything is fetched. */
  readonly files: number;
  readonly bytes: number;
}

export interface DataSet {
  /** Of the file of results, behind `compare-`; '' for none. */
  readonly name: string;
  readonly text: Releases;
  readonly native: Releases;
  /** One tree of many files. */
  readonly many: Releases;
  readonly ten: Releases;
  readonly bigBytes: number;
  /** Those that are measured where none are chosen: first words of their names, as people type them; '' for all. */
  readonly subjects: string;
  readonly rounds: number;
}

const DATA_SETS = new Map<string, () => DataSet | Promise<DataSet>>([
  ['ordinary', ordinary],
  ['large', async () => large(await twoKernelReleases())],
]);

/** Throws with the known names for one that is not known. */
export async function dataSetNamed(name: string): Promise<DataSet> {
  const make = DATA_SETS.get(name);
  if (make !== undefined) return await make();
  throw new Error(`"${name}" is no set of data; these are: ${[...DATA_SETS.keys()].join(', ')}`);
}

export function ordinary(): DataSet {
  return {
    name: '',
    text: { trees: releasesOf('typescript', '5.9.2', '5.9.3'), files: 132, bytes: 24e6 },
    native: { trees: releasesOf('@esbuild/linux-x64', '0.28.1', '0.28.2'), files: 3, bytes: 12e6 },
    many: { trees: [together(MANY_FILES)], files: 23_329, bytes: 128e6 },
    ten: {
      trees: releasesOf(
        'typescript',
        ...['5.5.2', '5.5.3', '5.5.4', '5.6.2', '5.6.3', '5.7.2', '5.7.3', '5.8.2', '5.8.3', '5.9.2'],
      ),
      files: 132,
      bytes: 24e6,
    },
    bigBytes: 256 * MEBIBYTE,
    subjects: '',
    rounds: 3,
  };
}

/** `kernels`: two releases, the earlier one first. */
export function large(kernels: readonly DebianRelease[]): DataSet {
  return {
    name: 'large',
    text: {
      trees: kernels.map((release) => ({
        name: `${release.package} ${release.version}`,
        unpack: (directory) => unpackKernel(release, directory),
      })),
      files: 86_629,
      bytes: 1480e6,
    },
    native: { trees: releasesOf('@biomejs/cli-linux-x64', '2.6.7', '2.6.8'), files: 3, bytes: 100e6 },
    many: {
      trees: [together([...MANY_FILES, '@ant-design/icons@6.0.1', '@fluentui/react@8.123.6'])],
      files: 34_983,
      bytes: 172e6,
    },
    ten: {
      trees: releasesOf(
        'googleapis',
        ...['168.0.0', '169.0.0', '170.0.0', '170.1.0', '171.0.0', '171.1.0', '171.2.0', '171.3.0', '171.4.0'],
        '172.0.0',
      ),
      files: 1843,
      bytes: 207e6,
    },
    bigBytes: 1024 * MEBIBYTE,
    subjects: 'packetfs;rsync -az, daemon;tar | nc, cubic',
    rounds: 1,
  };
}

const releasesOf = (name: string, ...versions: readonly string[]): readonly Tree[] =>
  versions.map((version) => ({
    name: `${name}@${version}`,
    unpack: (directory) => unpackPackage(`${name}@${version}`, directory),
  }));

/** Packages side by side in one tree. */
const together = (names: readonly string[]): Tree => ({
  name: names.join(', '),
  unpack: async (directory) => {
    for (const name of names) await unpackPackage(name, `${directory}/${name}`);
  },
});
