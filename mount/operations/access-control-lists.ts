// POSIX access control lists (acl(5)). The kernel checks them (FUSE_CAP_POSIX_ACL, default_permissions); what it leaves
// to the filesystem is here: an access list and the mode follow each other, and a directory's default list is
// inherited in place of the umask. Format of the attributes: linux/posix_acl_xattr.h, version 2: a header of 4 bytes,
// then entries {tag 2, permissions 2, id 4}, little-endian.
import { readFileSync } from 'node:fs';
import { isPacketFsError, PacketFsError } from '../../src/base/errors.ts';
import type { InodeNumber } from '../../src/base/units.ts';
import type { Caller, FileSystem } from '../../src/volume/volume.ts';

const ACCESS_NAME = Buffer.from('system.posix_acl_access');
const DEFAULT_NAME = Buffer.from('system.posix_acl_default');
const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;

const TAG_OWNER = 0x01;
const TAG_GROUP = 0x04;
const TAG_MASK = 0x10;
const TAG_OTHER = 0x20;

const TYPE_BITS = 0o170000;
const DIRECTORY_TYPE = 0o040000;
const RWX = 0o7;
const PERMISSIONS = 0o777;
export const ROOT_UID = 0;
const SET_GROUP = 0o2000;

interface AccessEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

type Attribute = { readonly name: Uint8Array; readonly value: Uint8Array };

export const isAccessList = (name: Uint8Array): boolean => ACCESS_NAME.equals(name);
export const isListOfAccess = (name: Uint8Array): boolean => ACCESS_NAME.equals(name) || DEFAULT_NAME.equals(name);

/** Sets the list and the mode that it means; a list that says no more than a mode is not kept. */
export function setAccessList(
  fileSystem: FileSystem,
  inode: InodeNumber,
  change: { readonly value: Uint8Array; readonly caller: Caller },
): void {
  const entries = decode(change.value);
  const { mode, gid } = fileSystem.getAttributes(inode);
  // setfacl by others than root and members of the group takes the set-group bit, as chmod(2) does.
  const kept = (mode & SET_GROUP) === 0 || mayKeepSetGroup(change.caller, gid) ? mode : mode & ~SET_GROUP;
  const wanted = (kept & ~PERMISSIONS) | modeOf(entries);
  if (wanted !== mode) settled(fileSystem.setAttributes(inode, { mode: wanted & ~TYPE_BITS }));
  if (isMinimal(entries)) removeIfPresent(fileSystem, inode, ACCESS_NAME);
  else fileSystem.setExtendedAttribute(inode, ACCESS_NAME, change.value, 'any');
}

/** Removing a list that is not there is no error (setfacl -b, setfacl -k). */
export function removeAccessList(fileSystem: FileSystem, inode: InodeNumber, name: Uint8Array): void {
  removeIfPresent(fileSystem, inode, name);
}

/** chmod(2): the owner's, the mask's (or the group's) and the others' entries take the new bits. */
export function followModeChange(fileSystem: FileSystem, inode: InodeNumber, mode: number): void {
  const value = attributeOf(fileSystem, inode, ACCESS_NAME);
  if (value === undefined) return;
  fileSystem.setExtendedAttribute(inode, ACCESS_NAME, encode(withMode(decode(value), mode)), 'any');
}

/**
 * What a new inode gets from its parent: its mode, and lists to set once it exists. `isPlain`: the parent has no default
 * list, and the umask alone counts.
 */
export function inheritAccess(creation: {
  readonly fileSystem: FileSystem;
  readonly parent: InodeNumber;
  readonly mode: number;
  readonly umask: number;
}): { readonly mode: number; readonly attributes: readonly Attribute[]; readonly isPlain: boolean } {
  const { fileSystem, parent, mode, umask } = creation;
  const value = attributeOf(fileSystem, parent, DEFAULT_NAME);
  if (value === undefined) return { mode: mode & ~umask, attributes: [], isPlain: true };
  const entries = restrictedTo(decode(value), mode);
  const attributes: Attribute[] = [];
  if (!isMinimal(entries)) attributes.push({ name: ACCESS_NAME, value: encode(entries) });
  if ((mode & TYPE_BITS) === DIRECTORY_TYPE) attributes.push({ name: DEFAULT_NAME, value });
  return { mode: (mode & ~PERMISSIONS) | modeOf(entries), attributes, isPlain: false };
}

const mayKeepSetGroup = (caller: Caller, gid: number): boolean =>
  caller.uid === ROOT_UID || caller.gid === gid || supplementaryGroups(caller.pid).includes(gid);

/** Of a process that waits for our answer. None when the kernel shows no such process here (another pid namespace). */
function supplementaryGroups(pid: number): readonly number[] {
  try {
    const groups = /^Groups:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
    return groups
      .split(' ')
      .filter((group) => group !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function decode(value: Uint8Array): AccessEntry[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const isWhole = value.length >= HEADER_BYTES && (value.length - HEADER_BYTES) % ENTRY_BYTES === 0;
  if (!isWhole || view.getUint32(0, true) !== VERSION) {
    throw new PacketFsError('PFS_INVALID', 'an access control list is not in the format of version 2');
  }
  const entries: AccessEntry[] = [];
  for (let at = HEADER_BYTES; at < value.length; at += ENTRY_BYTES) {
    entries.push({
      tag: view.getUint16(at, true),
      permissions: view.getUint16(at + 2, true) & RWX,
      id: view.getUint32(at + 4, true),
    });
  }
  return entries;
}

function encode(entries: readonly AccessEntry[]): Uint8Array {
  const value = new Uint8Array(HEADER_BYTES + entries.length * ENTRY_BYTES);
  const view = new DataView(value.buffer);
  view.setUint32(0, VERSION, true);
  for (const [index, entry] of entries.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    view.setUint16(at, entry.tag, true);
    view.setUint16(at + 2, entry.permissions, true);
    view.setUint32(at + 4, entry.id, true);
  }
  return value;
}

const isMinimal = (entries: readonly AccessEntry[]): boolean =>
  entries.every(({ tag }) => tag === TAG_OWNER || tag === TAG_GROUP || tag === TAG_OTHER);

const permissionsOf = (entries: readonly AccessEntry[], tag: number): number | undefined =>
  entries.find((entry) => entry.tag === tag)?.permissions;

/** The group's bits of a mode are the mask where there is one. */
function modeOf(entries: readonly AccessEntry[]): number {
  const owner = permissionsOf(entries, TAG_OWNER) ?? 0;
  const group = permissionsOf(entries, TAG_MASK) ?? permissionsOf(entries, TAG_GROUP) ?? 0;
  const other = permissionsOf(entries, TAG_OTHER) ?? 0;
  return (owner << 6) | (group << 3) | other;
}

function withMode(entries: readonly AccessEntry[], mode: number): AccessEntry[] {
  const groupTag = groupTagOf(entries);
  return entries.map((entry) => {
    const bits = bitsFor(entry.tag, groupTag, mode);
    return bits === undefined ? entry : { ...entry, permissions: bits };
  });
}

/** posix_acl_create(9): the default list, cut down to what the creating call asked for. */
function restrictedTo(entries: readonly AccessEntry[], mode: number): AccessEntry[] {
  const groupTag = groupTagOf(entries);
  return entries.map((entry) => {
    const bits = bitsFor(entry.tag, groupTag, mode);
    return bits === undefined ? entry : { ...entry, permissions: entry.permissions & bits };
  });
}

const groupTagOf = (entries: readonly AccessEntry[]): number =>
  entries.some(({ tag }) => tag === TAG_MASK) ? TAG_MASK : TAG_GROUP;

/** The bits of the mode that an entry stands for, if it does. */
function bitsFor(tag: number, groupTag: number, mode: number): number | undefined {
  if (tag === TAG_OWNER) return (mode >> 6) & RWX;
  if (tag === groupTag) return (mode >> 3) & RWX;
  return tag === TAG_OTHER ? mode & RWX : undefined;
}

function attributeOf(fileSystem: FileSystem, inode: InodeNumber, name: Buffer): Uint8Array | undefined {
  // Asked for every new file: a list of names is cheaper than an error where there is none, which is nearly always.
  if (!fileSystem.listExtendedAttributes(inode).some((present) => name.equals(present))) return undefined;
  return fileSystem.getExtendedAttribute(inode, name);
}

function removeIfPresent(fileSystem: FileSystem, inode: InodeNumber, name: Uint8Array): void {
  try {
    fileSystem.removeExtendedAttribute(inode, name);
  } catch (error) {
    if (!isPacketFsError(error, 'PFS_NO_ATTRIBUTE')) throw error;
  }
}

/** Changes without a size settle at once (FileSystem.setAttributes). */
export function settled<Value>(outcome: Value | Promise<Value>): Value {
  if (outcome instanceof Promise) throw new TypeError('a change of the mode does not wait');
  return outcome;
}
