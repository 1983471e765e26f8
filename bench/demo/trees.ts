// The real trees of the demo: npm packages, and a few entries of every other kind that a copy must keep.
import { join } from 'node:path';
import { runChecked } from '../../test/support/process.ts';
import { makeOtherKinds } from '../../test/support/source-tree.ts';
import { MANY_FILES, unpackPackage } from '../npm-packages.ts';

export const FIRST_RELEASE = 'typescript@5.9.2';
export const NEXT_RELEASE = 'typescript@5.9.3';

export interface DemoTrees {
  /** The first release and the many files, as they are copied first. */
  readonly first: string;
  /** The directory that takes the place of `<first>/typescript`. */
  readonly nextRelease: string;
}

export async function makeTrees(directory: string): Promise<DemoTrees> {
  const first = join(directory, 'first');
  const nextRelease = join(directory, 'next-release');
  await unpackPackage(FIRST_RELEASE, join(first, 'typescript'));
  for (const name of MANY_FILES) await unpackPackage(name, join(first, 'packages', name));
  await unpackPackage(NEXT_RELEASE, nextRelease);
  makeOtherKinds(join(first, 'other-kinds'));
  return { first, nextRelease };
}

/** Files, bytes of regular files, and what tar and zstd make of a tree. */
export async function measureTree(tree: string): Promise<{ files: number; bytes: number; compressedBytes: number }> {
  const listing = await runChecked('find', [tree, '-type', 'f', '-printf', '%s\n']);
  const sizes = listing.split('\n').filter((line) => line !== '');
  const compressed = await runChecked('sh', ['-c', 'tar -C "$1" -cf - . | zstd -q -3 -c | wc -c', '-', tree]);
  return {
    files: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + Number(size), 0),
    compressedBytes: Number(compressed),
  };
}
