// What is compared: changes that a user makes to a tree, one after the other. A row is measured from the first of its
// commands until the receiver has all.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../test/support/process.ts';
import { MANY_FILES, unpackPackage } from '../npm-packages.ts';

const TEXT_RELEASES = ['typescript@5.9.2', 'typescript@5.9.3'] as const;
const NATIVE_RELEASES = ['@esbuild/linux-x64@0.28.1', '@esbuild/linux-x64@0.28.2'] as const;
const TEN_RELEASES = ['5.5.2', '5.5.3', '5.5.4', '5.6.2', '5.6.3', '5.7.2', '5.7.3', '5.8.2', '5.8.3', '5.9.2'].map(
  (version) => `typescript@${version}`,
);
const PATCH_BYTES = 4096;

export interface Step {
  /** Run at the sender, in the directory of the row's group. */
  readonly commands: readonly (readonly string[])[];
  /** What is new or changed there afterwards: directories and files. */
  readonly names: readonly string[];
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Rows of one group follow each other in one directory. */
  readonly group: string;
  /** Transferred before, and not measured. */
  readonly before?: Step;
  readonly steps: readonly Step[];
}

/** Fetches what the rows need into a directory. `bigBytes`: of the one big file. */
export async function makeRows(directory: string, bigBytes: number): Promise<readonly Row[]> {
  const text = await unpackAll(directory, 'text', TEXT_RELEASES);
  const native = await unpackAll(directory, 'native', NATIVE_RELEASES);
  const many = join(directory, 'many');
  for (const name of MANY_FILES) await unpackPackage(name, join(many, name));
  const ten = await unpackAll(directory, 'ten', TEN_RELEASES);
  const [big, patch] = [join(directory, 'big'), join(directory, 'patch')];
  await makeRandomFile(big, bigBytes);
  await makeRandomFile(patch, PATCH_BYTES);
  const seek = Math.floor(bigBytes / PATCH_BYTES / 2);
  return [
    { name: 'first-copy', title: 'first copy', group: 'text', steps: [copied(text[0], 'tree')] },
    { name: 'next-release', title: 'next release', group: 'text', steps: [replaced(text[1], 'tree')] },
    {
      name: 'duplicate',
      title: 'duplicate tree',
      group: 'text',
      steps: [{ commands: [['cp', '-a', 'tree', 'copy']], names: ['copy'] }],
    },
    {
      name: 'rename',
      title: 'renamed tree',
      group: 'text',
      steps: [{ commands: [['mv', 'tree', 'renamed']], names: ['renamed'] }],
    },
    { name: 'native-first', title: 'first copy, native', group: 'native', steps: [copied(native[0], 'tree')] },
    { name: 'native-next', title: 'next release, native', group: 'native', steps: [replaced(native[1], 'tree')] },
    {
      name: 'patch',
      title: '4 KiB changed in a big file',
      group: 'big',
      before: { commands: [['cp', big, 'big']], names: ['big'] },
      steps: [
        {
          commands: [
            ['dd', `if=${patch}`, 'of=big', `bs=${PATCH_BYTES}`, `seek=${seek}`, 'conv=notrunc', 'status=none'],
          ],
          names: ['big'],
        },
      ],
    },
    { name: 'many-files', title: 'a tree of 23,000 files', group: 'many', steps: [copied(many, 'tree')] },
    {
      name: 'ten-releases',
      title: 'ten releases in turn',
      group: 'ten',
      steps: ten.map((release, index) => (index === 0 ? copied(release, 'tree') : replaced(release, 'tree'))),
    },
  ];
}

const copied = (from: string | undefined, to: string): Step => ({
  commands: [['cp', '-a', given(from), to]],
  names: [to],
});

const replaced = (from: string | undefined, to: string): Step => ({
  commands: [['rsync', '-a', '--delete', `${given(from)}/`, `${to}/`]],
  names: [to],
});

function given(path: string | undefined): string {
  if (path === undefined) throw new Error('a row has no tree');
  return path;
}

async function unpackAll(directory: string, family: string, names: readonly string[]): Promise<string[]> {
  const trees = names.map((_, index) => join(directory, family, String(index)));
  for (const [index, name] of names.entries()) await unpackPackage(name, trees[index] ?? '');
  return trees;
}

async function makeRandomFile(path: string, bytes: number): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true });
  await runChecked('sh', ['-ec', 'head -c "$1" /dev/urandom >"$2"', '-', String(bytes), path], { limitMs: 600_000 });
}
