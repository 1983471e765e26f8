// The directories as a tree: from each one up to the root, no loop, no directory on the way that is not there or not
// shown. Follows the place of a directory even where it is hidden, as the merge rules do.
import type { CheckContext } from './context.ts';
import type { DirectoryFacts, InodeTable } from './inode-table.ts';

const ROOT = 1n;

/** `reaches`: leads to the root. `cut`: does not, and the directory where it breaks was reported. */
type Standing = 'reaches' | 'cut';

export async function checkTree(context: CheckContext, table: InodeTable): Promise<void> {
  const standing = new Map<bigint, Standing>([[ROOT, 'reaches']]);
  if (!table.directories.has(table.find(ROOT))) {
    context.report({ code: 'directory-unreachable', inode: ROOT, detail: 'the root is gone' });
  }
  for (const directory of table.directories.values()) {
    climb(context, table, standing, directory);
    await context.rest();
  }
}

function climb(context: CheckContext, table: InodeTable, standing: Map<bigint, Standing>, start: DirectoryFacts): void {
  const path: DirectoryFacts[] = [];
  const onPath = new Set<bigint>();
  let at = start;
  let end: Standing | undefined = standing.get(start.inode);
  while (end === undefined) {
    path.push(at);
    onPath.add(at.inode);
    const { parent } = at;
    const next = parent === undefined ? undefined : table.directories.get(table.find(parent));
    const problem = problemOfStep(at, next, onPath);
    if (problem !== undefined) {
      context.report({ ...problem, inode: at.inode, ...(parent === undefined ? {} : { other: parent }) });
    }
    if (next === undefined || onPath.has(next.inode)) end = 'cut';
    else {
      end = standing.get(next.inode);
      at = next;
    }
  }
  for (const { inode } of path) standing.set(inode, end);
}

function problemOfStep(
  at: DirectoryFacts,
  parent: DirectoryFacts | undefined,
  onPath: ReadonlySet<bigint>,
): { readonly code: 'directory-loop' | 'directory-unreachable'; readonly detail: string } | undefined {
  if (at.parent === undefined) return { code: 'directory-unreachable', detail: 'it has no place' };
  if (parent === undefined) {
    return { code: 'directory-unreachable', detail: `it is in inode ${at.parent}, which is no directory` };
  }
  if (onPath.has(parent.inode)) return { code: 'directory-loop', detail: `it is below itself, in inode ${at.parent}` };
  if (at.shown && !parent.shown) {
    return { code: 'directory-unreachable', detail: `it is in inode ${at.parent}, which has no name` };
  }
  return undefined;
}
