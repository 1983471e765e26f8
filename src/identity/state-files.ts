// How the small files of a state directory are written and read: atomically, and durable before anything relies on
// them (temporary name, fsync, rename, fsync of the directory).
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PacketFsError } from '../base/errors.ts';

export const SECRET_FILE_MODE = 0o600;
const PRIVATE_DIRECTORY_MODE = 0o700;

export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
}

export function writeFileDurably(path: string, text: string): void {
  const directory = dirname(path);
  makePrivateDirectory(directory);
  const temporary = join(directory, `.${randomBytes(6).toString('hex')}.new`);
  const fd = openSync(temporary, 'wx', SECRET_FILE_MODE);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  syncDirectory(directory);
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The file's text, or undefined when there is no such file. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isFileError(error, 'ENOENT') || isFileError(error, 'ENOTDIR')) return undefined;
    throw new PacketFsError('PFS_IO', `Cannot read ${path}: check its permissions.`, {
      cause: error,
      facts: { path },
    });
  }
}

export const isFileError = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
