// Attributes of inodes and statistics of the volume.
import { PacketFsError } from '../../src/base/errors.ts';
import { inodeNumber, nanoseconds } from '../../src/base/units.ts';
import { modeAfterOwnerChange } from '../../src/volume/modes.ts';
import type { AttributeChanges, InodeAttributes, TimeChange } from '../../src/volume/volume.ts';
import { CLEAR_SET_ID, type Reply, type RequestCursor } from '../protocol.ts';
import { followModeChange } from './access-control-lists.ts';
import type { OperationContext } from './context.ts';

/** FUSE_SET_ATTR_* of libfuse. */
export const SET_MODE = 1 << 0;
export const SET_UID = 1 << 1;
export const SET_GID = 1 << 2;
const SET_SIZE = 1 << 3;
export const SET_ACCESSED = 1 << 4;
export const SET_MODIFIED = 1 << 5;
const SET_ACCESSED_NOW = 1 << 7;
const SET_MODIFIED_NOW = 1 << 8;
const PERMISSION_BITS = 0o7777;
/** What a change of attributes is about; chown(2) to nobody else, -1 and -1, sets none of them. */
const SUBJECTS =
  SET_MODE | SET_UID | SET_GID | SET_SIZE | SET_ACCESSED | SET_MODIFIED | SET_ACCESSED_NOW | SET_MODIFIED_NOW;

export function getAttributes(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  return { kind: 'attributes', attributes: fileSystem.getAttributes(inodeNumber(request.inode)) };
}

export function setAttributes(request: RequestCursor, context: OperationContext): Reply | Promise<Reply> {
  const { fileSystem } = context;
  const inode = inodeNumber(request.inode);
  if (isAboutNothing(request) && !fileSystem.isOpenForWriting(inode)) {
    assertMayClearSetId(request, fileSystem.getAttributes(inode));
  }
  const changes = changesOf(request);
  const changed = fileSystem.setAttributes(inode, changes);
  if (changes.mode !== undefined) followModeChange(fileSystem, inode, changes.mode);
  if (changed instanceof Promise) return changed.then(answer);
  return answer(changes.mode === undefined ? changed : fileSystem.getAttributes(inode)); // an access list has changed it
}

export function statistics(_request: RequestCursor, { fileSystem }: OperationContext): Reply {
  return { kind: 'statistics', statistics: fileSystem.statistics() };
}

const answer = (attributes: InodeAttributes): Reply => ({ kind: 'attributes', attributes });

function changesOf(request: RequestCursor): AttributeChanges {
  const valid = request.u32(40);
  const accessed = timeOf(valid, { set: SET_ACCESSED, setNow: SET_ACCESSED_NOW }, request.i64(64));
  const modified = timeOf(valid, { set: SET_MODIFIED, setNow: SET_MODIFIED_NOW }, request.i64(72));
  return {
    ...((valid & SET_MODE) === 0 ? {} : { mode: request.u32(44) & PERMISSION_BITS }),
    ...((valid & SET_UID) === 0 ? {} : { uid: request.u32(48) }),
    ...((valid & SET_GID) === 0 ? {} : { gid: request.u32(52) }),
    ...((valid & CLEAR_SET_ID) === 0 && (valid & SUBJECTS) !== 0 ? {} : { clearSetId: true }),
    ...((valid & SET_SIZE) === 0 ? {} : { size: request.u64(56) }),
    ...(accessed === undefined ? {} : { accessed }),
    ...(modified === undefined ? {} : { modified }),
  };
}

/** What the kernel sends before a write that is to clear set-id bits, and for chown(2) with -1 and -1. */
const isAboutNothing = (request: RequestCursor): boolean => (request.u32(40) & (SUBJECTS | CLEAR_SET_ID)) === 0;

/** Of chown(2) that changes neither: the kernel lets it pass by anyone, and what ext4 minds are the bits that go. */
function assertMayClearSetId({ uid }: RequestCursor, { mode, uid: owner }: InodeAttributes): void {
  if (uid === 0 || uid === owner || modeAfterOwnerChange(mode) === mode) return;
  throw new PacketFsError('PFS_NOT_PERMITTED', 'only its owner may clear the set-id bits of a file');
}

function timeOf(valid: number, bits: { set: number; setNow: number }, time: bigint): TimeChange | undefined {
  if ((valid & bits.setNow) !== 0) return 'now';
  return (valid & bits.set) === 0 ? undefined : nanoseconds(time);
}
