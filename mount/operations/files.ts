// Opening, closing and syncing files. Their bytes are read and written on the FUSE threads; by the time flush, release
// and fsync come here, the dirty bytes have been ingested there.
import { isPacketFsError } from '../../src/base/errors.ts';
import { inodeNumber } from '../../src/base/units.ts';
import type { InodeAttributes } from '../../src/volume/volume.ts';
import { EEXIST } from '../errno.ts';
import { DONE, type Reply, type RequestCursor } from '../protocol.ts';
import type { OperationContext } from './context.ts';
import { callerOf, createWithAccess, effectsOn, type NewNodeWithUmask } from './names.ts';

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const FILE_TYPE = 0o100000;
const TYPE_BITS = 0o170000;

export function open(request: RequestCursor, { fileSystem }: OperationContext): Reply | Promise<Reply> {
  const opened = fileSystem.open(inodeNumber(request.inode), modeOf(request.u32(40)));
  if (opened instanceof Promise) return opened.then(({ keepCache }) => ({ kind: 'open', keepCache }));
  return { kind: 'open', keepCache: opened.keepCache };
}

export function create(request: RequestCursor, context: OperationContext): Reply | Promise<Reply> {
  const mode = FILE_TYPE | request.u32(40);
  const flags = request.u32(44);
  const parent = inodeNumber(request.inode);
  const made = createOrFind(
    { parent, name: request.name(48), mode, caller: callerOf(request), umask: request.umask },
    flags,
    context,
  );
  if (made === undefined) return { kind: 'error', errno: EEXIST };
  const { attributes, isNew } = made;
  const opened = context.fileSystem.open(attributes.inode, {
    ...modeOf(flags),
    truncate: !isNew && hasTruncate(flags),
  });
  if (opened instanceof Promise) return opened.then(({ keepCache }) => ({ kind: 'create', attributes, keepCache }));
  const { keepCache } = opened;
  if (!isNew) return { kind: 'create', attributes, keepCache };
  return { kind: 'create', attributes, keepCache, effects: { ...effectsOn([parent], context), isNew } };
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
  context.fileSystem.release(inode);
  context.noteVersion(inode);
  return DONE;
}

export async function fsync(request: RequestCursor, { fileSystem }: OperationContext): Promise<Reply> {
  await fileSystem.fsync(inodeNumber(request.inode));
  return DONE;
}

/**
 * The kernel asks to create what it believes is not there; a peer's file may have come between. Undefined: there is
 * something that O_EXCL, or being no regular file, forbids to open.
 */
function createOrFind(
  node: NewNodeWithUmask,
  flags: number,
  context: OperationContext,
): { attributes: InodeAttributes; isNew: boolean } | undefined {
  try {
    return { attributes: createWithAccess(node, context), isNew: true };
  } catch (error) {
    if (!isPacketFsError(error, 'PFS_EXISTS')) throw error;
  }
  if ((flags & O_EXCL) !== 0) return undefined;
  const attributes = context.fileSystem.lookup(node.parent, node.name);
  if ((attributes.mode & TYPE_BITS) === FILE_TYPE) return { attributes, isNew: false };
  context.fileSystem.forget(attributes.inode, 1);
  return undefined;
}

const modeOf = (flags: number): { write: boolean; truncate: boolean } => ({
  write: (flags & O_ACCMODE) !== O_RDONLY,
  truncate: hasTruncate(flags),
});

const hasTruncate = (flags: number): boolean => (flags & O_TRUNC) !== 0;
