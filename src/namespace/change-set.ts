// What a kernel has cached and must forget, as the tree notes it while it changes.
import type { InodeNumber } from '../base/units.ts';
import { nameBytes } from './state.ts';
import type { InodeRecord, StaleParts } from './types.ts';

export interface ChangeSet {
  /** As they were before the first change. */
  readonly inodes: Map<InodeNumber, InodeRecord>;
  readonly contents: Set<InodeNumber>;
  readonly entries: Map<string, { readonly parent: InodeNumber; readonly name: string }>;
  readonly unlinked: Set<InodeNumber>;
}

export const newChangeSet = (): ChangeSet => ({
  inodes: new Map(),
  contents: new Set(),
  entries: new Map(),
  unlinked: new Set(),
});

export function noteChange(changes: ChangeSet, before: InodeRecord): void {
  if (!changes.inodes.has(before.inode)) changes.inodes.set(before.inode, before);
}

export const staleParts = ({ inodes, contents, entries, unlinked }: ChangeSet): StaleParts => ({
  inodes: [...inodes.values()],
  contents: [...contents],
  entries: [...entries.values()].map(({ parent, name }) => ({ parent, name: nameBytes(name) })),
  unlinked: [...unlinked],
});
