// Starting pfs-mount in the background. The parent returns only when the kernel lists the mount, or with what the child
// said was wrong: then `mount -a` and service managers can rely on the outcome. The child reports through descriptor 3.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PacketFsError } from '../src/base/errors.ts';
import { canonicalPath } from './mount-point.ts';
import { findMount, waitForMount } from './mountinfo.ts';

const REPORT_FD = 3;
const REPORT_VARIABLE = 'PFS_MOUNT_REPORT_FD';
const DIRECTORY_MODE = 0o700;
const LOG_MODE = 0o600;

/** Resolves when DIR is mounted by the child; rejects with PFS_MOUNT and what the child reported. */
export async function startDetached(request: {
  readonly directory: string;
  /** Of pfs-mount, without --daemon. */
  readonly parameters: readonly string[];
  readonly logPath: string;
  readonly waitMs: number;
}): Promise<void> {
  const mountPoint = await canonicalPath(request.directory);
  const idBefore = findMount(mountPoint)?.id;
  const child = spawnDetached(request.parameters, request.logPath);
  const failed = new AbortController();
  const report = collectReport(child, failed);
  const signal = AbortSignal.any([failed.signal, AbortSignal.timeout(request.waitMs)]);
  const mounted = await waitForMount(() => newMount(mountPoint, idBefore), signal);
  if (mounted !== undefined) {
    child.unref();
    return;
  }
  if (!failed.signal.aborted) {
    child.kill('SIGTERM');
    const waitedFor = `${request.waitMs / 1000} s`;
    throw new PacketFsError(
      'PFS_MOUNT',
      `No mount on ${request.directory} after ${waitedFor}; see ${request.logPath}.`,
    );
  }
  const said = (await report).trim();
  throw new PacketFsError('PFS_MOUNT', said === '' ? `pfs-mount ended at once; see ${request.logPath}.` : said);
}

/** In the child: tells the waiting parent, if there is one. */
export function reportToParent(sentence: string): void {
  if (process.env[REPORT_VARIABLE] === undefined) return;
  try {
    writeSync(REPORT_FD, `${sentence}\n`);
  } catch {
    // The parent gave up waiting; the sentence is in the log too.
  }
}

/** In the child, once mounted: the parent need not hear more. */
export function releaseParent(): void {
  if (process.env[REPORT_VARIABLE] === undefined) return;
  delete process.env[REPORT_VARIABLE];
  closeSync(REPORT_FD);
}

function spawnDetached(parameters: readonly string[], logPath: string): ChildProcess {
  mkdirSync(dirname(logPath), { recursive: true, mode: DIRECTORY_MODE });
  const log = openSync(logPath, 'a', LOG_MODE);
  // The same file runs from sources (.ts, with the loader in execArgv) and compiled (.js).
  const script = fileURLToPath(import.meta.url).replace(/daemonize(\.[jt]s)$/, 'pfs-mount$1');
  const child = spawn(process.execPath, [...process.execArgv, script, ...parameters], {
    detached: true,
    env: { ...process.env, [REPORT_VARIABLE]: String(REPORT_FD) },
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  return child;
}

/** What the child wrote; `failed` aborts when it ends. */
function collectReport(child: ChildProcess, failed: AbortController): Promise<string> {
  const pipe = child.stdio[REPORT_FD] as Readable;
  const pieces: Buffer[] = [];
  pipe.on('data', (piece: Buffer) => pieces.push(piece));
  child.on('exit', () => failed.abort());
  child.on('error', () => failed.abort());
  return new Promise((resolve) => {
    pipe.on('close', () => resolve(Buffer.concat(pieces).toString('utf8')));
    pipe.on('error', () => resolve(''));
  });
}

function newMount(mountPoint: string, idBefore: number | undefined) {
  const found = findMount(mountPoint);
  return found === undefined || found.id === idBefore ? undefined : found;
}
