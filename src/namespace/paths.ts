// Paths of an inode, from its names up to the root, as they are shown.
import { type InodeNumber, ROOT_INODE } from '../base/units.ts';
import { type InodeState, type NameLink, nameBytes, nameKey } from './state.ts';
import type { Tree } from './tree.ts';
import type { ShownName } from './types.ts';

const DEPTH_MAX = 4096;

export function pathsOf(tree: Tree, state: InodeState): Uint8Array[] {
  if (state.inode === ROOT_INODE) return [nameBytes('/')];
  const paths = state.links.flatMap((link) => {
    const path = pathOfLink(tree, state.inode, link);
    return path === undefined ? [] : [path];
  });
  return [...new Set(paths)].map(nameBytes);
}

/** Where the inode is shown, and as what. */
export function namesOf(tree: Tree, state: InodeState): ShownName[] {
  return state.links.flatMap(({ parent, name }) => {
    const shown = tree.shownNames(tree.require(parent), nameKey(name)).find(([, named]) => named.inode === state.inode);
    return shown === undefined ? [] : [{ parent, name: nameBytes(shown[0]) }];
  });
}

function pathOfLink(tree: Tree, inode: InodeNumber, link: NameLink): string | undefined {
  const parts: string[] = [];
  let child = inode;
  let at: NameLink | undefined = link;
  for (let depth = 0; depth < DEPTH_MAX && at !== undefined; depth++) {
    const parent = tree.require(at.parent);
    const shown = tree.shownNames(parent, nameKey(at.name)).find(([, named]) => named.inode === child);
    if (shown === undefined) return undefined;
    parts.unshift(shown[0]);
    if (parent.inode === ROOT_INODE) return `/${parts.join('/')}`;
    child = parent.inode;
    at = parent.links[0];
  }
  return undefined;
}
