// A directory's names. In memory all of them, packed (name-table.ts); on disk in pages of at most NAMES_PER_PAGE, a new
// name in any page with room, so a change rewrites one page.
import { inodeNumber } from '../base/units.ts';
import { type Change, decoded } from './change.ts';
import { KIND, pageKey } from './keys.ts';
import { type NamedInode, NameTable } from './name-table.ts';
import { decodeNamePage, encodeNamePage } from './records.ts';
import { type DirectoryState, type InodeState, nameKey } from './state.ts';

export const NAMES_PER_PAGE = 128;
/** A page with fewer takes new names again. */
const ROOMY_NAMES = NAMES_PER_PAGE / 2;

type ReadPage = (key: Buffer) => Uint8Array | undefined;

export function loadDirectory(state: InodeState, read: ReadPage): DirectoryState {
  const directory: DirectoryState = {
    names: new NameTable(),
    crowded: new Set(),
    dirtyPages: new Set(),
    roomyPages: new Set(),
  };
  for (let page = 0; page < state.namePages; page++) {
    const bytes = read(pageKey(KIND.namePage, state.inode, page));
    const names = bytes === undefined ? [] : decoded(() => decodeNamePage(bytes));
    directory.names.addPage();
    for (const { name, inode, type } of names) {
      place(directory, { name, named: { inode: inodeNumber(inode), type }, page });
    }
    if (names.length < ROOMY_NAMES) directory.roomyPages.add(page);
  }
  state.directory = directory;
  return directory;
}

export function insertName(state: InodeState, directory: DirectoryState, name: Uint8Array, named: NamedInode): void {
  const page = pageWithRoom(directory);
  place(directory, { name, named, page });
  state.namePages = directory.names.pageCount;
  directory.dirtyPages.add(page);
  if (directory.names.countIn(page) >= ROOMY_NAMES) directory.roomyPages.delete(page);
}

export function deleteName(directory: DirectoryState, name: Uint8Array, named: Pick<NamedInode, 'inode'>): void {
  const { names, crowded, dirtyPages, roomyPages } = directory;
  const page = names.remove(name, named.inode);
  dirtyPages.add(page);
  if (names.countIn(page) < ROOMY_NAMES) roomyPages.add(page);
  if (crowded.size > 0 && names.all(name).length <= 1) crowded.delete(nameKey(name));
}

/** The last page while it has room, so that a directory is filled in order; else one that names have left. */
function pageWithRoom({ names, roomyPages }: DirectoryState): number {
  const last = names.pageCount - 1;
  if (last >= 0 && names.countIn(last) < NAMES_PER_PAGE) return last;
  const [roomy] = roomyPages;
  return roomy ?? names.addPage();
}

function place(
  { names, crowded }: DirectoryState,
  added: { readonly name: Uint8Array; readonly named: NamedInode; readonly page: number },
): void {
  if (names.add(added.name, added.named, added.page)) crowded.add(nameKey(added.name));
}

export function encodeDirectory(state: InodeState, changes: Change[]): void {
  const { directory } = state;
  if (directory === undefined) return;
  for (const page of directory.dirtyPages) {
    const names = directory.names.inPage(page);
    const key = pageKey(KIND.namePage, state.inode, page);
    changes.push(names.length === 0 ? { type: 'del', key } : { type: 'put', key, value: encodeNamePage(names) });
  }
  directory.dirtyPages.clear();
}
