// borg with its default chunker and without compression. Chunks of files are counted from the items of its archives;
// what else is in the repository is their metadata, which it chunks too.
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import type { Stored, StoreOptions, Subject } from './subject.ts';
import { Tally } from './tally.ts';

const LIMIT_MS = 600_000;

interface Archive {
  readonly _items: readonly { readonly chunks?: readonly (readonly [string, number, number])[] }[];
}
interface Information {
  readonly cache: { readonly stats: { readonly unique_size: number } };
}

async function store({ releases, directory }: StoreOptions): Promise<Stored> {
  const repository = join(directory, 'repository');
  const environment = { ...process.env, BORG_BASE_DIR: directory, BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
  const run = (...parameters: readonly string[]): Promise<string> =>
    runChecked('borg', parameters, { environment, limitMs: LIMIT_MS });
  await run('init', '--encryption', 'none', repository);
  const tally = new Tally();
  for (const [index, release] of releases.entries()) {
    const archive = `${repository}::${index + 1}`;
    await run('create', '--compression', 'none', archive, release);
    const { _items: items } = JSON.parse(await run('debug', 'dump-archive', archive, '-')) as Archive;
    for (const [identity, length] of items.flatMap(({ chunks = [] }) => chunks)) tally.add(identity, length);
  }
  const { cache } = JSON.parse(await run('info', '--json', repository)) as Information;
  return { ...tally.stored, otherBytes: cache.stats.unique_size - tally.stored.uniqueBytes };
}

/** Without a key its cuts depend on nothing. */
export const borg: Subject = {
  name: 'borg',
  differs: false,
  describe: async () => `${(await runChecked('borg', ['--version'])).trim()}, --compression none`,
  store,
};
