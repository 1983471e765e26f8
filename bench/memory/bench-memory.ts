// `make bench-memory`: the daemon's memory and the time to mount with many files, against what is promised: at a million
// files of 100 GiB in all, 300 MiB beyond the chunk index, and 3 seconds to mount again, after a kill too. The files
// are copies of one (copy_file_range moves extents, not bytes). Prints a line for each stage; exits 1 above a bound.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { StatusResult } from '../../src/control/methods.ts';

const FILES = Number(process.env['FILES'] || 1_000_000);
const LOGICAL_BYTES = 100 * 2 ** 30 * (FILES / 1_000_000);
const PROCESSES = 4;
const FILES_PER_DIRECTORY = 1000;
const MEMORY_BYTES_MAX = 300 * 2 ** 20;
const MOUNT_SECONDS_MAX = 3;
const MOUNT_WAIT_SECONDS = 120;
const POLL_MS = 10;
const KIB = 1024;
const TICKS_PER_SECOND = 100;

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const work = fs.mkdtempSync(join(process.env['DIRECTORY'] || tmpdir(), 'pfs-memory-'));
const mountPoint = join(work, 'mount');
const state = join(work, 'state');
const problems: string[] = [];

/** In a process of its own, so that several create at once. */
const CREATE = `
const fs = require('node:fs');
const [mountPoint, first, last, perDirectory] = process.argv.slice(1);
for (let file = Number(first); file < Number(last); file++) {
  const directory = mountPoint + '/d' + Math.floor(file / perDirectory);
  if (file % perDirectory === 0) fs.mkdirSync(directory);
  fs.copyFileSync(mountPoint + '/source', directory + '/file-' + file + '.dat');
}`;

async function mount(): Promise<{ daemon: ChildProcess; seconds: number }> {
  const started = performance.now();
  const parameters = [
    join(root, 'mount/pfs-mount.js'),
    '--state',
    state,
    '--listen',
    '127.0.0.1:0',
    '--log-level',
    'error',
  ];
  const daemon = spawn(process.execPath, [...parameters, mountPoint], { stdio: ['ignore', 'ignore', 'inherit'] });
  const device = fs.statSync(work).dev;
  while (fs.statSync(mountPoint).dev === device) {
    if (daemon.exitCode !== null) throw new Error('pfs-mount ended at once');
    if (performance.now() - started > MOUNT_WAIT_SECONDS * 1000) throw new Error('nothing was mounted');
    await delay(POLL_MS);
  }
  return { daemon, seconds: (performance.now() - started) / 1000 };
}

/** Processor time that a live process has used, from /proc: on a machine that does other things, what a mount took. */
function processorSeconds(daemon: ChildProcess): number {
  const fields = fs.readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Of a live process, from /proc: resident, and the part that is backed by no file. */
function residentBytes(daemon: ChildProcess): { all: number; anonymous: number } {
  const text = fs.readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * KIB;
  return { all: field('VmRSS'), anonymous: field('RssAnon') };
}

async function report(stage: string, daemon: ChildProcess): Promise<void> {
  const { stdout } = await run(process.execPath, [join(root, 'src/cli/pfs.js'), 'status', '--state', state, '--json']);
  const status = JSON.parse(stdout) as StatusResult;
  const resident = residentBytes(daemon);
  const beyond = resident.all - status.indexMemoryBytes;
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const { heap, cache, kernel } = status;
  console.log(
    `${stage.padEnd(24)} ${mib(resident.all)} resident (${mib(resident.anonymous)} anonymous), ${mib(beyond)} beyond the index; ` +
      `heap ${mib(heap.usedBytes)} of ${mib(heap.totalBytes)}, outside it ${mib(heap.externalBytes)}; ` +
      `cache ${cache.inodes} inodes, ${mib(cache.bytes)}; the kernel holds ${kernel.inodes} (${mib(kernel.bytes)})`,
  );
  if (beyond > MEMORY_BYTES_MAX) problems.push(`${stage}: ${mib(beyond)} beyond the index`);
}

async function create(): Promise<void> {
  const perProcess = Math.ceil(FILES / PROCESSES / FILES_PER_DIRECTORY) * FILES_PER_DIRECTORY;
  const parts = Array.from({ length: PROCESSES }, (_, index) => index * perProcess);
  fs.writeFileSync(join(mountPoint, 'source'), Buffer.alloc(Math.ceil(LOGICAL_BYTES / FILES), 'packetfs'));
  await Promise.all(
    parts.map((first) => {
      const last = Math.min(FILES, first + perProcess);
      return run(process.execPath, [
        '-e',
        CREATE,
        mountPoint,
        String(first),
        String(last),
        String(FILES_PER_DIRECTORY),
      ]);
    }),
  );
}

async function timed(what: string, action: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await action();
  console.log(`${what.padEnd(24)} ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function ended(daemon: ChildProcess): Promise<void> {
  while (daemon.exitCode === null && daemon.signalCode === null) await delay(POLL_MS);
}

async function remount(how: string): Promise<ChildProcess> {
  const { daemon, seconds } = await mount();
  console.log(
    `${how.padEnd(24)} mounted after ${seconds.toFixed(2)} s (${processorSeconds(daemon).toFixed(2)} s of CPU)`,
  );
  if (seconds > MOUNT_SECONDS_MAX) problems.push(`${how}: mounted after ${seconds.toFixed(2)} s`);
  return daemon;
}

async function measure(): Promise<void> {
  fs.mkdirSync(mountPoint);
  let { daemon } = await mount();
  await timed(`create ${FILES} files`, create);
  await report('after creation', daemon);
  await timed('find -ls', () => run('sh', ['-c', `find ${mountPoint} -ls | wc -l`]));
  await report('after find -ls', daemon);
  await run('umount', [mountPoint]);
  await ended(daemon);
  daemon = await remount('after a clean stop');
  await timed('du', () => run('du', ['-s', mountPoint]));
  await report('after du', daemon);
  fs.writeFileSync(join(mountPoint, 'last'), 'closed, not committed');
  daemon.kill('SIGKILL');
  await ended(daemon);
  await run('umount', ['--lazy', mountPoint]);
  daemon = await remount('after SIGKILL');
  await report('after SIGKILL', daemon);
  await run('umount', [mountPoint]);
  await ended(daemon);
}

try {
  await measure();
} finally {
  await run('umount', ['--lazy', mountPoint]).catch(() => undefined); // where something failed; else nothing is mounted
  fs.rmSync(work, { recursive: true, force: true });
}
for (const problem of problems) console.log(`ABOVE THE BOUND: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
