// Requests about names: finding, making, removing and moving them.

import { isPacketFsError } from '../../src/base/errors.ts';
import { NAME_BYTES_MAX } from '../../src/base/limits.ts';
import { type InodeNumber, inodeNumber } from '../../src/base/units.ts';
import { isDirectory } from '../../src/volume/modes.ts';
import type { Caller, InodeAttributes, NewNode } from '../../src/volume/volume.ts';
import { EINVAL, ENAMETOOLONG } from '../errno.ts';
import { DONE, type Effects, REQUEST_HEADER_BYTES, type Reply, type RequestCursor } from '../protocol.ts';
import { inheritAccess } from './access-control-lists.ts';
import type { OperationContext } from './context.ts';

const SYMLINK_MODE = 0o120777;
const DIRECTORY_TYPE = 0o040000;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const RENAME_WHITEOUT = 4;
const WHITEOUT_MODE = 0o020000;
const WHITEOUT_DEVICE = 0;
const FORGOTTEN_BYTES = 16;

export function lookup(request: RequestCursor, { fileSystem, walkers }: OperationContext): Reply {
  const name = request.name();
  if (name.length > NAME_BYTES_MAX) return { kind: 'error', errno: ENAMETOOLONG };
  const parent = inodeNumber(request.inode);
  try {
    const attributes = fileSystem.lookup(parent, name);
    if (!isDirectory(attributes.mode)) walkers.noteLookup(parent, request.pid);
    return { kind: 'entry', attributes };
  } catch (error) {
    if (isPacketFsError(error, 'PFS_NO_ENTRY')) return { kind: 'noEntry' };
    throw error;
  }
}

/** Needs no answer. */
export function forget(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const count = request.u32(REQUEST_HEADER_BYTES);
  for (let index = 0; index < count; index++) {
    const at = REQUEST_HEADER_BYTES + 8 + index * FORGOTTEN_BYTES;
    fileSystem.forget(inodeNumber(request.u64(at)), Number(request.u64(at + 8)));
  }
  return DONE;
}

export function makeNode(request: RequestCursor, context: OperationContext): Reply {
  const mode = request.u32(40);
  const device = request.u32(44);
  const parent = inodeNumber(request.inode);
  const made = createWithAccess({ parent, name: request.name(48), mode, device, ...by(request) }, context);
  return entryOfNew(made, parent, context);
}

export function makeDirectory(request: RequestCursor, context: OperationContext): Reply {
  const mode = DIRECTORY_TYPE | request.u32(40);
  const parent = inodeNumber(request.inode);
  return entryOfNew(
    createWithAccess({ parent, name: request.name(48), mode, ...by(request) }, context),
    parent,
    context,
  );
}

export function symlink(request: RequestCursor, context: OperationContext): Reply {
  const target = request.trailing(48, request.u32(40));
  const parent = inodeNumber(request.inode);
  const node = { parent, name: request.name(48), mode: SYMLINK_MODE, target, caller: callerOf(request) };
  return entryOfNew({ attributes: context.fileSystem.createNode(node), isPlain: false }, parent, context);
}

export function link(request: RequestCursor, context: OperationContext): Reply {
  const parent = inodeNumber(request.u64(40));
  const attributes = context.fileSystem.link(inodeNumber(request.inode), parent, request.name(48));
  return { kind: 'entry', attributes, effects: effectsOn([parent], context) };
}

export function unlink(request: RequestCursor, context: OperationContext): Reply {
  const parent = inodeNumber(request.inode);
  const name = request.name();
  const removed = context.fileSystem.unlink(parent, name);
  const isNameMissing = lacks(parent, name, context);
  return { kind: 'done', effects: effectsOn([parent], context, { forgotten: [removed], isNameMissing }) };
}

export function removeDirectory(request: RequestCursor, context: OperationContext): Reply {
  const parent = inodeNumber(request.inode);
  const name = request.name();
  const removed = context.fileSystem.removeDirectory(parent, name);
  const isNameMissing = lacks(parent, name, context);
  return { kind: 'done', effects: effectsOn([parent], context, { forgotten: [removed], isNameMissing }) };
}

export function rename(request: RequestCursor, context: OperationContext): Reply | Promise<Reply> {
  const bits = request.u32(48);
  const flags = renameFlags(bits & ~RENAME_WHITEOUT);
  if (flags === undefined) return { kind: 'error', errno: EINVAL };
  const parent = inodeNumber(request.inode);
  const newParent = inodeNumber(request.u64(40));
  const name = request.name(56);
  const caller = callerOf(request);
  const answer = (forgotten: readonly InodeNumber[]): Reply => {
    if ((bits & RENAME_WHITEOUT) !== 0) leaveWhiteout({ parent, name, caller }, context);
    const parents = parent === newParent ? [parent] : [parent, newParent];
    const isNameMissing = lacks(parent, name, context);
    return { kind: 'done', effects: effectsOn(parents, context, { forgotten, isNameMissing }) };
  };
  const outcome = context.fileSystem.rename({
    parent,
    name,
    newParent,
    newName: request.trailing(56, request.u32(52)),
    flags,
  });
  return outcome instanceof Promise ? outcome.then(answer) : answer(outcome);
}

/** What tells overlayfs that a lower name is hidden: a character device 0:0. The kernel keeps no reference to it. */
function leaveWhiteout(place: Pick<NewNode, 'parent' | 'name' | 'caller'>, { fileSystem }: OperationContext): void {
  const made = fileSystem.createNode({ ...place, mode: WHITEOUT_MODE, device: WHITEOUT_DEVICE });
  fileSystem.forget(made.inode, 1);
}

export function readLink(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  return { kind: 'bytes', bytes: fileSystem.readLink(inodeNumber(request.inode)) };
}

const lacks = (parent: InodeNumber, name: Uint8Array, { fileSystem }: OperationContext): boolean =>
  !fileSystem.hasName(parent, name);

/** The session gets the attributes of what a request changed with its answer. */
export const effectsOn = (
  parents: readonly InodeNumber[],
  { fileSystem }: OperationContext,
  { forgotten = [], isNew = false, isNameMissing = false, isPlain = false }: Partial<Omit<Effects, 'directories'>> = {},
): Effects => ({
  directories: parents.map((parent) => fileSystem.getAttributes(parent)),
  forgotten,
  isNew,
  isNameMissing,
  isPlain,
});

export const callerOf = (request: RequestCursor): Caller => ({
  uid: request.uid,
  gid: request.gid,
  pid: request.pid,
});

export interface NewNodeWithUmask extends NewNode {
  readonly umask: number;
}

export interface MadeNode {
  readonly attributes: InodeAttributes;
  /** As inheritAccess tells it of the parent. */
  readonly isPlain: boolean;
}

/** Makes a node whose mode comes from the parent's default ACL, or else from the caller's umask. */
export function createWithAccess(node: NewNodeWithUmask, { fileSystem }: OperationContext): MadeNode {
  const { umask, ...plain } = node;
  const inherited = inheritAccess({ fileSystem, parent: node.parent, mode: node.mode, umask });
  const made = fileSystem.createNode({ ...plain, mode: inherited.mode });
  for (const { name, value } of inherited.attributes) fileSystem.setExtendedAttribute(made.inode, name, value, 'any');
  // A list that was set has changed its time of change.
  const attributes = inherited.attributes.length === 0 ? made : fileSystem.getAttributes(made.inode);
  return { attributes, isPlain: inherited.isPlain };
}

const by = (request: RequestCursor): { caller: Caller; umask: number } => ({
  caller: callerOf(request),
  umask: request.umask,
});

const entryOfNew = ({ attributes, isPlain }: MadeNode, parent: InodeNumber, context: OperationContext): Reply => ({
  kind: 'entry',
  attributes,
  effects: effectsOn([parent], context, { isNew: true, isPlain }),
});

function renameFlags(flags: number): 'replace' | 'noreplace' | 'exchange' | undefined {
  switch (flags) {
    case 0:
      return 'replace';
    case RENAME_NOREPLACE:
      return 'noreplace';
    case RENAME_EXCHANGE:
      return 'exchange';
    default:
      return undefined;
  }
}
