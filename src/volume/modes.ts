// st_mode: the bits of inode(7) that the volume itself looks at.
import type { InodeKind } from './volume.ts';

export const MODE_TYPE = 0o170000;
export const MODE_DIRECTORY = 0o040000;
export const MODE_FILE = 0o100000;
export const MODE_SET_USER = 0o4000;
export const MODE_SET_GROUP = 0o2000;
export const MODE_GROUP_EXECUTE = 0o0010;
export const MODE_PERMISSIONS = 0o7777;

const kinds: ReadonlyMap<number, InodeKind> = new Map<number, InodeKind>([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'character-device'],
  [0o060000, 'block-device'],
]);

/** Undefined when the type bits name no kind of inode. */
export const kindOfMode = (mode: number): InodeKind | undefined => kinds.get(mode & MODE_TYPE);
export const isDirectory = (mode: number): boolean => (mode & MODE_TYPE) === MODE_DIRECTORY;
export const isFile = (mode: number): boolean => (mode & MODE_TYPE) === MODE_FILE;

/** What chown(2) or a write leaves of the mode: set-user and an effective set-group go, except on directories. */
export function modeAfterOwnerChange(mode: number): number {
  if (isDirectory(mode)) return mode;
  const executableGroup = (mode & MODE_GROUP_EXECUTE) !== 0;
  return mode & ~(MODE_SET_USER | (executableGroup ? MODE_SET_GROUP : 0));
}
