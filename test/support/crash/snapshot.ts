// What is in a directory of a mount, whole: read once after a crash, compared with many states of the model.
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from '../process.ts';

export type Actual =
  | {
      readonly kind: 'file';
      readonly content: Buffer;
      readonly mode: number;
      readonly links: number;
      readonly inode: number;
      readonly attribute: string;
    }
  | { readonly kind: 'directory'; readonly links: number }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

export type Snapshot = ReadonlyMap<string, Actual>;

const PERMISSION_BITS = 0o7777;

/** Paths are relative to the mount, as the scripts give them. */
export async function takeSnapshot(mountPoint: string, directory: string): Promise<Snapshot> {
  const found = new Map<string, Actual>();
  const attributes = await readAttributes(join(mountPoint, directory));
  const visit = async (path: string): Promise<void> => {
    const actual = await readActual(path, attributes.get(path) ?? '').catch(
      (error: unknown): Actual => ({ kind: 'unreadable', reason: String(error) }),
    );
    found.set(relative(mountPoint, path), actual);
    if (actual.kind === 'directory') for (const name of await readdir(path)) await visit(join(path, name));
  };
  await visit(join(mountPoint, directory));
  return found;
}

async function readActual(path: string, attribute: string): Promise<Actual> {
  const status = await lstat(path);
  if (status.isDirectory()) return { kind: 'directory', links: status.nlink };
  if (status.isSymbolicLink()) return { kind: 'symlink', target: await readlink(path) };
  const content = await readFile(path);
  if (content.length !== status.size) {
    return { kind: 'unreadable', reason: `${content.length} bytes read of ${status.size}` };
  }
  return {
    kind: 'file',
    content,
    mode: status.mode & PERMISSION_BITS,
    links: status.nlink,
    inode: status.ino,
    attribute,
  };
}

/** `user.crash` of every file that has it. */
async function readAttributes(directory: string): Promise<Map<string, string>> {
  const { stdout } = await run('getfattr', ['-R', '-P', '-h', '-n', 'user.crash', '--absolute-names', directory]);
  const attributes = new Map<string, string>();
  let path = '';
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) path = line.slice('# file: '.length);
    const value = /^user\.crash="(.*)"$/.exec(line)?.[1];
    if (value !== undefined) attributes.set(path, value);
  }
  return attributes;
}
