// Opening, closing and syncing files. Their bytes are read and written on the FUSE threads; by the time flush, release
// and fsync come here, the dirty bytes have been ingested there.
import { isPacketFsError } from '../../src/base/errors.ts';
import { type InodeNumber, inodeNumber } from '../../src/base/units.ts';
import { modeAfterOwnerChange } from '../../src/volume/modes.ts';
import type { Caller, FileSystem, InodeAttributes } from '../../src/volume/volume.ts';
import { EEXIST } from '../errno.ts';
import { DONE, type Reply, type RequestCursor } from '../protocol.ts';
import { ROOT_UID, settled } from './access-control-lists.ts';
import type { OperationContext } from './context.ts';
import { callerOf, createWithAccess, effectsOn, type NewNodeWithUmask } from './names.ts';

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
/** What the kernel gives as the name of a file without one. */
const NO_NAME = Buffer.from('/');
const FILE_TYPE = 0o100000;
const TYPE_BITS = 0o170000;

export function open(request: RequestCursor, { fileSystem }: OperationContext): Reply | Promise<Reply> {
  const inode = inodeNumber(request.inode);
  const flags = request.u32(40);
  const opened = fileSystem.open(inode, modeOf(flags));
  if (opened instanceof Promise) return opened.then(({ keepCache }) => ({ kind: 'open', keepCache }));
  return { kind: 'open', keepCache: opened.keepCache };
}

export function create(request: RequestCursor, context: OperationContext): Reply | Promise<Reply> {
  const mode = FILE_TYPE | request.u32(40);
  const flags = request.u32(44);
  const parent = inodeNumber(request.inode);
  const name = request.name(48);
  const node = { parent, name, mode, caller: callerOf(request), umask: request.umask };
  if (NO_NAME.equals(name)) return createNameless({ ...node, name: undefined }, flags, context);
  const made = createOrFind(node, flags, context);
  if (made === undefined) return { kind: 'error', errno: EEXIST };
  const { attributes, isNew, isPlain } = made;
  if (!isNew && hasTruncate(flags)) dropSetIdBits(context.fileSystem, attributes.inode, callerOf(request));
  const opened = context.fileSystem.open(attributes.inode, {
    ...modeOf(flags),
    truncate: !isNew && hasTruncate(flags),
  });
  if (opened instanceof Promise) return opened.then(({ keepCache }) => ({ kind: 'create', attributes, keepCache }));
  const { keepCache } = opened;
  if (!isNew) return { kind: 'create', attributes, keepCache };
  context.grants.replenish();
  return { kind: 'create', attributes, keepCache, effects: effectsOn([parent], context, { isNew, isPlain }) };
}

/** O_TMPFILE: nothing changes in the directory. */
function createNameless(node: NewNodeWithUmask, flags: number, context: OperationContext): Reply | Promise<Reply> {
  const { attributes } = createWithAccess(node, context);
  const answer = ({ keepCache }: { keepCache: boolean }): Reply => ({ kind: 'create', attributes, keepCache });
  const opened = context.fileSystem.open(attributes.inode, { ...modeOf(flags), truncate: false });
  return opened instanceof Promise ? opened.then(answer) : answer(opened);
}

export function flush(request: RequestCursor, context: OperationContext): Reply {
  const inode = inodeNumber(request.inode);
  context.fileSystem.flush(inode);
  context.noteVersion(inode);
  return DONE;
}

export function release(request: RequestCursor, context: OperationContext): Reply {
  const inode = inodeNumber(request.inode);
  const ingestErrno = request.u32(44);
  if (ingestErrno !== 0) {
    context.logger.error({ inode, errno: ingestErrno }, 'bytes written after the last close could not be stored');
  }
  context.fileSystem.release(inode, { write: modeOf(request.u32(40)).write });
  context.noteVersion(inode);
  return DONE;
}

export async function fsync(request: RequestCursor, { fileSystem }: OperationContext): Promise<Reply> {
  await fileSystem.fsync(inodeNumber(request.inode));
  return DONE;
}

export function synced(_request: RequestCursor, { fileSystem }: OperationContext): Reply {
  fileSystem.noteSynced();
  return DONE;
}

/** The kernel does it for every other change of content; a create that finds a file it truncates no more. */
function dropSetIdBits(fileSystem: FileSystem, inode: InodeNumber, caller: Caller): void {
  if (caller.uid === ROOT_UID) return;
  const { mode } = fileSystem.getAttributes(inode);
  const dropped = modeAfterOwnerChange(mode);
  if (dropped !== mode) settled(fileSystem.setAttributes(inode, { mode: dropped & ~TYPE_BITS }));
}

/**
 * The kernel asks to create what it believes is not there; a peer's file may have come between. Undefined: there is
 * something that O_EXCL, or being no regular file, forbids to open.
 */
function createOrFind(
  node: NewNodeWithUmask & { readonly name: Uint8Array },
  flags: number,
  context: OperationContext,
): { attributes: InodeAttributes; isNew: boolean; isPlain: boolean } | undefined {
  try {
    return { ...createWithAccess(node, context), isNew: true };
  } catch (error) {
    if (!isPacketFsError(error, 'PFS_EXISTS')) throw error;
  }
  if ((flags & O_EXCL) !== 0) return undefined;
  const attributes = context.fileSystem.lookup(node.parent, node.name);
  if ((attributes.mode & TYPE_BITS) === FILE_TYPE) return { attributes, isNew: false, isPlain: false };
  context.fileSystem.forget(attributes.inode, 1);
  return undefined;
}

export const modeOf = (flags: number): { write: boolean; truncate: boolean } => ({
  write: (flags & O_ACCMODE) !== O_RDONLY,
  truncate: hasTruncate(flags),
});

const hasTruncate = (flags: number): boolean => (flags & O_TRUNC) !== 0;
