// The directory to mount on: checked before anything is started, so that the error says what to do. A mount whose daemon
// died (kill -9) answers ENOTCONN and is taken away first: that is what makes remounting after a crash one command.
import { execFile } from 'node:child_process';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PacketFsError } from '../src/base/errors.ts';
import { findMount, isPacketFs } from './mountinfo.ts';

const FUSE_DEVICE = '/dev/fuse';

/** Resolves with the path as mountinfo will name it. Rejects with PFS_MOUNT. */
export async function prepareMountPoint(directory: string): Promise<string> {
  await assertFuseUsable();
  const mountPoint = await canonicalPath(directory);
  const problem = await problemOf(mountPoint);
  if (problem === 'dead') {
    await unmountPath(mountPoint, { lazily: true });
    return prepareMountPoint(directory);
  }
  const mounted = findMount(mountPoint);
  if (problem === undefined && mounted !== undefined && isPacketFs(mounted)) {
    throw failure(`${directory} is mounted already, from ${mounted.source}: unmount it first.`, mountPoint);
  }
  if (problem === undefined) return mountPoint;
  throw failure(`${directory} ${problem}`, mountPoint);
}

/** Like realpath(3), but a dead mount at the end of the path does not get in the way. */
export async function canonicalPath(directory: string): Promise<string> {
  const absolute = resolve(directory);
  try {
    return await realpath(absolute);
  } catch {
    // Missing, or a dead mount: the parent decides what the path is, problemOf says what is wrong.
  }
  try {
    return join(await realpath(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}

/** Rejects with PFS_MOUNT when the mount is in use and not `lazily`. */
export async function unmountPath(mountPoint: string, options: { readonly lazily: boolean }): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const program = isRoot ? 'umount' : 'fusermount3';
  const flags = isRoot ? ['--no-canonicalize', ...(options.lazily ? ['-l'] : [])] : [options.lazily ? '-uz' : '-u'];
  try {
    await promisify(execFile)(program, [...flags, '--', mountPoint]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PacketFsError('PFS_MOUNT', `Cannot unmount ${mountPoint}: ${reason}`, { cause, facts: { mountPoint } });
  }
}

/** What keeps us from mounting there; `dead`: a mount without its daemon. */
async function problemOf(mountPoint: string): Promise<string | undefined> {
  try {
    const found = await stat(mountPoint);
    return found.isDirectory() ? undefined : 'is not a directory: name an (empty) directory to mount on.';
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
        return `does not exist: create it first (mkdir ${mountPoint}).`;
      case 'ENOTDIR':
        return 'is not a directory: a part of its path is a file.';
      case 'ENOTCONN':
      case 'ECONNABORTED':
        return 'dead';
      case 'EACCES':
        return 'cannot be reached: permission denied.';
      default:
        throw error;
    }
  }
}

async function assertFuseUsable(): Promise<void> {
  try {
    await access(FUSE_DEVICE, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const reason =
      codeOf(cause) === 'ENOENT'
        ? 'is missing: load the fuse module, or give the container the device (--device /dev/fuse).'
        : 'may not be opened: run as root, or get the permission to read and write it.';
    throw new PacketFsError('PFS_MOUNT', `${FUSE_DEVICE} ${reason}`, { cause });
  }
}

const failure = (sentence: string, mountPoint: string): PacketFsError =>
  new PacketFsError('PFS_MOUNT', sentence, { facts: { mountPoint } });

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
