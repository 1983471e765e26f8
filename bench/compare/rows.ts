// What is compared: changes that a user makes to a tree, one after the other. A row is measured from the first of its
// commands until the receiver has all.
import type { DataSet, Group, Releases } from './data-sets.ts';
import { PATCH_BYTES, type Places } from './fetch.ts';

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
  readonly group: Group;
  /** Transferred before, and not measured. */
  readonly before?: Step;
  readonly steps: readonly Step[];
}

/** The rows of data that are, or will be, in these places. */
export function rowsOf(data: DataSet, { trees, big, patch }: Places): readonly Row[] {
  const copied = (group: keyof Places['trees'], index: number): Step => ({
    commands: [['cp', '-a', given(trees[group][index]), 'tree']],
    names: ['tree'],
  });
  const replaced = (group: keyof Places['trees'], index: number): Step => ({
    commands: [['rsync', '-a', '--delete', `${given(trees[group][index])}/`, 'tree/']],
    names: ['tree'],
  });
  const seek = Math.floor(data.bigBytes / PATCH_BYTES / 2);
  return [
    { name: 'first-copy', title: 'first copy', group: 'text', steps: [copied('text', 0)] },
    { name: 'next-release', title: 'next release', group: 'text', steps: [replaced('text', 1)] },
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
    { name: 'native-first', title: 'first copy, native', group: 'native', steps: [copied('native', 0)] },
    { name: 'native-next', title: 'next release, native', group: 'native', steps: [replaced('native', 1)] },
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
    { name: 'many-files', title: `a tree of ${thousands(data.many)} files`, group: 'many', steps: [copied('many', 0)] },
    {
      name: 'ten-releases',
      title: 'ten releases in turn',
      group: 'ten',
      steps: trees.ten.map((_, index) => (index === 0 ? copied('ten', 0) : replaced('ten', index))),
    },
  ];
}

const thousands = ({ files }: Releases): string => `${Math.floor(files / 1000)},000`;

/** With these rows come those before them in their group, whose data they need. */
export const withGroups = (rows: readonly Row[], all: readonly Row[]): readonly Row[] =>
  all.filter((row) => rows.some((wanted) => wanted.group === row.group && all.indexOf(row) <= all.indexOf(wanted)));

function given(path: string | undefined): string {
  if (path === undefined) throw new Error('a row has no tree');
  return path;
}
