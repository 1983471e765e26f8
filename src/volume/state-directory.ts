// Where a volume keeps what under its state directory (DESIGN §3, On disk; docs/format/state.md), and the lock that keeps
// a second process out.
import fs from 'node:fs';
import path from 'node:path';
import type { NativeModule } from '../addon/native.ts';
import { PacketFsError } from '../base/errors.ts';

export interface StateDirectory {
  readonly path: string;
  readonly blob: string;
  readonly namespace: string;
  release(): void;
}

const LOCK_FILE = 'lock';

export function takeStateDirectory(native: Pick<NativeModule, 'acquireLock'>, directory: string): StateDirectory {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lockPath = path.join(directory, LOCK_FILE);
  const lock = native.acquireLock(lockPath);
  if (lock === undefined) {
    const holder = holderOf(lockPath);
    throw new PacketFsError(
      'PFS_LOCKED',
      `${directory} is in use by ${holder === undefined ? 'another process' : `process ${holder}`}; unmount it there first, or give another --state`,
      { facts: { directory, pid: holder } },
    );
  }
  fs.writeFileSync(lockPath, `${process.pid}\n`);
  return {
    path: directory,
    blob: path.join(directory, 'blob'),
    namespace: path.join(directory, 'namespace'),
    release: () => lock.release(),
  };
}

/** Makes creations and removals in a directory durable. */
export function syncDirectory(directory: string): void {
  const descriptor = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Makes the files in a directory durable, whoever wrote them: after a crash of the process nobody else will. */
export function syncFilesIn(directory: string): void {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const descriptor = fs.openSync(path.join(directory, entry.name), 'r');
    try {
      fs.fdatasyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }
  syncDirectory(directory);
}

function holderOf(lockPath: string): number | undefined {
  try {
    const pid = Number.parseInt(fs.readFileSync(lockPath, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // the file is unreadable: the message then names nobody
  }
}
