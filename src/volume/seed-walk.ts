// The regular files below a directory: on its filesystem alone, without following links. Paths are bytes, as names need not
// be text.
import { lstat, readdir } from 'node:fs/promises';

export interface WalkOptions {
  /** Directories that are not entered. */
  readonly excluded: readonly string[];
  /** Another directory is looked at. */
  readonly onDirectory: () => void;
  /** What could not be looked at, with its path; the rest is. */
  readonly onProblem: (problem: string) => void;
}

/** Rejects when the directory itself cannot be looked at. */
export async function* filesBelow(directory: string, options: WalkOptions): AsyncGenerator<Buffer> {
  const { dev } = await lstat(directory);
  const excluded = new Set(options.excluded);
  const unread: Buffer[] = [Buffer.from(directory)];
  for (let next = unread.pop(); next !== undefined; next = unread.pop()) {
    options.onDirectory();
    for (const { path, isDirectory, isFile } of await entriesOf(next, options)) {
      if (isFile) yield path;
      if (!isDirectory || excluded.has(path.toString())) continue;
      if (await isOn(dev, path, options)) unread.push(path);
    }
  }
}

interface Entry {
  readonly path: Buffer;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

async function entriesOf(directory: Buffer, { onProblem }: WalkOptions): Promise<readonly Entry[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
    return entries.map((entry) => ({
      path: Buffer.concat([directory, Buffer.from('/'), entry.name]),
      isDirectory: entry.isDirectory(),
      isFile: entry.isFile(),
    }));
  } catch (error) {
    onProblem(reasonOf(error));
    return [];
  }
}

async function isOn(device: number, path: Buffer, { onProblem }: WalkOptions): Promise<boolean> {
  try {
    return (await lstat(path)).dev === device;
  } catch (error) {
    onProblem(reasonOf(error));
    return false;
  }
}

/** Those of the system name the path. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
