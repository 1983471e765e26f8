// Extended attributes, byte for byte as the caller gave them; access control lists also change the mode.
import { isPacketFsError } from '../../src/base/errors.ts';
import { XATTR_NAME_BYTES_MAX, XATTR_VALUE_BYTES_MAX } from '../../src/base/limits.ts';
import { inodeNumber } from '../../src/base/units.ts';
import { EINVAL, EOPNOTSUPP, ERANGE } from '../errno.ts';
import { DONE, type Reply, type RequestCursor } from '../protocol.ts';
import { isAccessList, isListOfAccess, ROOT_UID, removeAccessList, setAccessList } from './access-control-lists.ts';
import type { OperationContext } from './context.ts';

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;
/** Those that Linux's filesystems store; of `system.`, access control lists alone. */
const STORED_NAMESPACES = ['user.', 'trusted.', 'security.', 'system.posix_acl_'].map((prefix) => Buffer.from(prefix));
/** Only root sees what is stored for it alone. */
const TRUSTED = Buffer.from('trusted.');

export function setExtendedAttribute(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const inode = inodeNumber(request.inode);
  const name = request.name(48);
  const value = request.trailing(48, request.u32(40));
  if (name.length > XATTR_NAME_BYTES_MAX || value.length > XATTR_VALUE_BYTES_MAX) {
    return { kind: 'error', errno: ERANGE };
  }
  const refused = refusalOf(name);
  if (refused !== undefined) return refused;
  if (isAccessList(name)) {
    setAccessList(fileSystem, inode, { value, caller: { uid: request.uid, gid: request.gid, pid: request.pid } });
  } else {
    fileSystem.setExtendedAttribute(inode, name, value, modeOf(request.u32(44)));
  }
  return DONE;
}

export function getExtendedAttribute(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const name = request.name(48);
  return ifThere(name, () => sized(fileSystem.getExtendedAttribute(inodeNumber(request.inode), name), request.u32(40)));
}

export function listExtendedAttributes(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const all = fileSystem.listExtendedAttributes(inodeNumber(request.inode));
  const names = request.uid === ROOT_UID ? all : all.filter((name) => !startsWith(name, TRUSTED));
  return sized(joinNames(names), request.u32(40));
}

export function removeExtendedAttribute(request: RequestCursor, { fileSystem }: OperationContext): Reply {
  const inode = inodeNumber(request.inode);
  const name = request.name();
  if (isListOfAccess(name)) {
    removeAccessList(fileSystem, inode, name);
    return DONE;
  }
  return ifThere(name, () => {
    fileSystem.removeExtendedAttribute(inode, name);
    return DONE;
  });
}

export const isStoredAttribute = (name: Uint8Array): boolean =>
  STORED_NAMESPACES.some((prefix) => startsWith(name, prefix));

const startsWith = (name: Uint8Array, prefix: Buffer): boolean => prefix.equals(name.subarray(0, prefix.length));

/** Why no attribute can have this name; undefined when one can. */
function refusalOf(name: Uint8Array): Reply | undefined {
  if (!isStoredAttribute(name)) return { kind: 'error', errno: EOPNOTSUPP };
  return STORED_NAMESPACES.some((prefix) => prefix.equals(name)) ? { kind: 'error', errno: EINVAL } : undefined;
}

/** What a peer of another kind may have stored stays readable and removable; only what is not there is refused. */
function ifThere(name: Uint8Array, act: () => Reply): Reply {
  try {
    return act();
  } catch (error) {
    const refused = isPacketFsError(error, 'PFS_NO_ATTRIBUTE') ? refusalOf(name) : undefined;
    if (refused !== undefined) return refused;
    throw error;
  }
}

/** Names with a NUL after each, as listxattr(2) gives them. */
export function joinNames(names: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(names.reduce((total, name) => total + name.length + 1, 0));
  let at = 0;
  for (const name of names) {
    joined.set(name, at);
    at += name.length + 1;
  }
  return joined;
}

/** A size of 0 asks how long the value is. */
function sized(value: Uint8Array, sizeLimit: number): Reply {
  if (sizeLimit === 0) return { kind: 'size', size: value.length };
  return value.length > sizeLimit ? { kind: 'error', errno: ERANGE } : { kind: 'bytes', bytes: value };
}

function modeOf(flags: number): 'any' | 'create' | 'replace' {
  if ((flags & XATTR_CREATE) !== 0) return 'create';
  return (flags & XATTR_REPLACE) !== 0 ? 'replace' : 'any';
}
