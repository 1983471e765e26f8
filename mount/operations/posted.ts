// What the session has answered itself, and put into the journal (docs/design/0088; native/core/fuse/posted_changes.h).
import { type InodeNumber, inodeNumber, type Nanoseconds, nanoseconds } from '../../src/base/units.ts';
import { DONE, type Reply, type RequestCursor } from '../protocol.ts';
import { SET_ACCESSED, SET_GID, SET_MODE, SET_MODIFIED, SET_UID } from './attributes.ts';
import type { OperationContext } from './context.ts';
import { modeOf } from './files.ts';

export function created(request: RequestCursor, { fileSystem, grants }: OperationContext): Reply {
  fileSystem.noteCreated({
    inode: inodeAt(request, 40),
    parent: inodeNumber(request.inode),
    name: request.name(72),
    now: timeAt(request, 48),
    mode: request.u32(56),
    uid: request.u32(60),
    gid: request.u32(64),
    write: modeOf(request.u32(68)).write,
  });
  grants.noteUsed();
  return DONE;
}

export function changedAttributes(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const valid = request.u32(48);
  fileSystem.noteAttributes(inodeNumber(request.inode), {
    now: timeAt(request, 40),
    override: Number(request.u64(80)),
    groups: {
      ...((valid & SET_MODE) === 0 ? {} : { mode: request.u32(52) }),
      ...((valid & SET_UID) === 0 ? {} : { uid: request.u32(56) }),
      ...((valid & SET_GID) === 0 ? {} : { gid: request.u32(60) }),
      ...((valid & SET_ACCESSED) === 0 ? {} : { accessed: timeAt(request, 64) }),
      ...((valid & SET_MODIFIED) === 0 ? {} : { modified: timeAt(request, 72) }),
    },
  });
  return DONE;
}

const inodeAt = (request: RequestCursor, offset: number): InodeNumber => inodeNumber(request.u64(offset));
const timeAt = (request: RequestCursor, offset: number): Nanoseconds => nanoseconds(request.i64(offset));
