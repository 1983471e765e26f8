// What a kernel has cached and must forget, as the tree notes it while it changes.
import type { InodeNumber } from '../base/units.ts';
import { nameBytes } from './state.ts';
import type { StaleParts } from './types.ts';

export interface ChangeSet {
  readonly inodes: Set<InodeNumber>;
  readonly contents: Set<InodeNumber>;
  readonly entries: Map<string, { readonly parent: InodeNumber; readonly name: string }>;
  readonly unlinked: Set<InodeNumber>;
}

export const newChangeSet = (): ChangeSet => ({
  inodes: new Set(),
  contents: new Set(),
  entries: new Map(),
  unlinked: new Set(),
});

export const staleParts = ({ inodes, contents, entries, unlinked }: ChangeSet): StaleParts => ({
  inodes: [...inodes],
  contents: [...contents],
  entries: [...entries.values()].map(({ parent, name }) => ({ parent, name: nameBytes(name) })),
  unlinked: [...unlinked],
});
