// A directory's names. In memory all of them; on disk in pages of at most NAMES_PER_PAGE, a new name in any page with
// room, so a change rewrites one page. Inodes that share a name are in the order of their stamps: the greatest keeps the
// name, the others are shown with a suffix (conflict-names.ts).
import { assert } from '../base/assert.ts';
import { inodeNumber } from '../base/units.ts';
import { type Change, decoded } from './change.ts';
import { KIND, pageKey } from './keys.ts';
import { decodeNamePage, encodeNamePage, type PagedName } from './records.ts';
import type { DirectoryState, InodeState, NamedInode } from './state.ts';

export const NAMES_PER_PAGE = 128;

type ReadPage = (key: Buffer) => Uint8Array | undefined;
/** Greater first. */
export type CompareNamed = (key: string, left: NamedInode, right: NamedInode) => number;

export function loadDirectory(state: InodeState, read: ReadPage, compare: CompareNamed): DirectoryState {
  if (state.directory !== undefined) return state.directory;
  const directory: DirectoryState = {
    names: new Map(),
    crowded: new Set(),
    pageCounts: [],
    dirtyPages: new Set(),
    sorted: undefined,
  };
  for (let page = 0; page < state.namePages; page++) {
    const bytes = read(pageKey(KIND.namePage, state.inode, page));
    const names = bytes === undefined ? [] : decoded(() => decodeNamePage(bytes));
    directory.pageCounts.push(names.length);
    for (const { key, inode, type } of names) place(directory, key, { inode: inodeNumber(inode), type, page }, compare);
  }
  state.directory = directory;
  return directory;
}

export function insertName(
  state: InodeState,
  directory: DirectoryState,
  added: { readonly key: string; readonly inode: bigint; readonly type: number },
  compare: CompareNamed,
): void {
  let page = directory.pageCounts.length - 1;
  if ((directory.pageCounts[page] ?? NAMES_PER_PAGE) >= NAMES_PER_PAGE) {
    page = directory.pageCounts.findIndex((count) => count < NAMES_PER_PAGE / 2);
    if (page < 0) page = directory.pageCounts.push(0) - 1;
  }
  directory.pageCounts[page] = (directory.pageCounts[page] ?? 0) + 1;
  state.namePages = directory.pageCounts.length;
  directory.dirtyPages.add(page);
  place(directory, added.key, { inode: inodeNumber(added.inode), type: added.type, page }, compare);
}

export function deleteName(directory: DirectoryState, key: string, inode: bigint): void {
  const named = directory.names.get(key);
  const index = named?.findIndex((one) => one.inode === inode) ?? -1;
  const found = named?.[index];
  assert(named !== undefined && found !== undefined, 'a removed name is in its directory');
  directory.pageCounts[found.page] = (directory.pageCounts[found.page] ?? 1) - 1;
  directory.dirtyPages.add(found.page);
  named.splice(index, 1);
  if (named.length <= 1) directory.crowded.delete(key);
  if (named.length === 0) {
    directory.names.delete(key);
    directory.sorted = undefined;
  }
}

function place(directory: DirectoryState, key: string, named: NamedInode, compare: CompareNamed): void {
  const there = directory.names.get(key);
  if (there === undefined) {
    directory.names.set(key, [named]);
    directory.sorted = undefined;
    return;
  }
  there.push(named);
  there.sort((left, right) => compare(key, left, right));
  directory.crowded.add(key);
}

/** The default order of strings, by code units, is the order of the bytes they stand for. */
export function sortedNames(directory: DirectoryState): readonly string[] {
  directory.sorted ??= [...directory.names.keys()].sort();
  return directory.sorted;
}

export function encodeDirectory(state: InodeState, changes: Change[]): void {
  const { directory } = state;
  if (directory === undefined || directory.dirtyPages.size === 0) return;
  const pages = new Map<number, PagedName[]>([...directory.dirtyPages].map((page) => [page, []]));
  for (const [key, named] of directory.names) {
    for (const { inode, type, page } of named) pages.get(page)?.push({ key, inode, type });
  }
  for (const [page, names] of pages) {
    const key = pageKey(KIND.namePage, state.inode, page);
    changes.push(names.length === 0 ? { type: 'del', key } : { type: 'put', key, value: encodeNamePage(names) });
  }
  directory.dirtyPages.clear();
}
