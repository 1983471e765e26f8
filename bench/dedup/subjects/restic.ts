// restic with its default chunker and without compression. Its index tells the lengths of all blobs: data, and trees,
// which it compresses in any case.
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import type { Stored, StoreOptions, Subject } from './subject.ts';
import { Tally } from './tally.ts';

const LIMIT_MS = 600_000;
/** Beside what is encrypted: initialization vector and code of authentication. */
const CIPHER_BYTES = 32;

interface Index {
  readonly packs: readonly { readonly blobs: readonly Blob[] }[];
}
interface Blob {
  readonly id: string;
  readonly type: 'data' | 'tree';
  readonly length: number;
  /** Where it is compressed. */
  readonly uncompressed_length?: number;
}

async function store({ releases, directory }: StoreOptions): Promise<Stored> {
  const repository = join(directory, 'repository');
  const environment = { ...process.env, RESTIC_PASSWORD: 'dedup', HOME: directory };
  const run = (...parameters: readonly string[]): Promise<string> =>
    runChecked('restic', ['-q', '--no-cache', '-r', repository, ...parameters], { environment, limitMs: LIMIT_MS });
  await run('init', '--repository-version', '2');
  for (const release of releases) await run('backup', '--compression', 'off', release);
  const tallies = { data: new Tally(), tree: new Tally() };
  for (const id of (await run('list', 'index')).trim().split('\n')) {
    const { packs } = JSON.parse(await run('cat', 'index', id)) as Index;
    for (const blob of packs.flatMap(({ blobs }) => blobs)) {
      tallies[blob.type].add(blob.id, blob.uncompressed_length ?? blob.length - CIPHER_BYTES);
    }
  }
  return { ...tallies.data.stored, otherBytes: tallies.tree.stored.uniqueBytes };
}

/** Each repository has a polynomial of its own. */
export const restic: Subject = {
  name: 'restic',
  differs: true,
  describe: async () => `${(await runChecked('restic', ['version'])).trim()}, --compression off`,
  store,
};
