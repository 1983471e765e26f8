// Brings the data of a comparison into a directory: trees that are unpacked, and the big file with what is written into it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../test/support/process.ts';
import type { DataSet, Group, Tree } from './data-sets.ts';

export const PATCH_BYTES = 4096;
const FILL_LIMIT_MS = 600_000;

type TreeGroup = Exclude<Group, 'big'>;
export const TREE_GROUPS: readonly TreeGroup[] = ['text', 'native', 'many', 'ten'];

export interface Places {
  /** Of each group the directories of its trees. */
  readonly trees: Readonly<Record<TreeGroup, readonly string[]>>;
  readonly big: string;
  readonly patch: string;
}

export function placesBelow(directory: string, data: DataSet): Places {
  const treesOf = (group: TreeGroup): string[] =>
    data[group].trees.map((_, index) => join(directory, group, String(index)));
  return {
    trees: { text: treesOf('text'), native: treesOf('native'), many: treesOf('many'), ten: treesOf('ten') },
    big: join(directory, 'big'),
    patch: join(directory, 'patch'),
  };
}

/** What these groups need, and nothing else. */
export async function fetchData(data: DataSet, places: Places, groups: ReadonlySet<Group>): Promise<void> {
  for (const group of TREE_GROUPS.filter((one) => groups.has(one))) {
    for (const [index, tree] of data[group].trees.entries()) await unpack(tree, places.trees[group][index]);
  }
  if (!groups.has('big')) return;
  await makeRandomFile(places.big, data.bigBytes);
  await makeRandomFile(places.patch, PATCH_BYTES);
}

async function unpack(tree: Tree, directory: string | undefined): Promise<void> {
  if (directory === undefined) throw new Error(`${tree.name} has no place`);
  await tree.unpack(directory);
}

async function makeRandomFile(path: string, bytes: number): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true });
  await runChecked('sh', ['-ec', 'head -c "$1" /dev/urandom >"$2"', '-', String(bytes), path], {
    limitMs: FILL_LIMIT_MS,
  });
}
