// One test process: run in a process group of its own with a time limit, judged by what it printed and how it ended,
// and everything it left (processes, mounts, namespaces, files) removed.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unmountBelow } from './mounts.ts';
import { removeNamespacesOf } from './namespaces.ts';
import { type Counts, countTests, noCounts } from './test-counts.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Job {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly limitMs: number;
}

export interface Outcome extends Counts {
  readonly job: Job;
  readonly problem: string | undefined;
  readonly output: string;
  readonly seconds: number;
}

/** Runs one job in a process group of its own, with a temporary directory that is unmounted and removed afterwards. */
export async function runJob(job: Job): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-test-'));
  chmodSync(directory, 0o711); // tests act as other users below it
  const started = process.hrtime.bigint();
  const child = spawn(job.command, job.arguments, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(directory),
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => output.push(part));
  child.stderr.on('data', (part: Buffer) => output.push(part));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid);
  }, job.limitMs);
  const ending = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  clearTimeout(timer);
  killGroup(child.pid);
  await removeNamespacesOf(child.pid);
  await unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true });
  const text = Buffer.concat(output).toString();
  const problem = timedOut ? `no end after ${job.limitMs / 1000} s` : ending;
  return { job, output: text, ...judge(text, problem), seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}

function environment(directory: string): NodeJS.ProcessEnv {
  // What a make above this says of its own jobs is nothing to a make that a test runs.
  const { FORCE_COLOR: _colour, MAKEFLAGS: _flags, MAKELEVEL: _level, ...inherited } = process.env;
  return { ...inherited, TMPDIR: directory, NO_COLOR: '1' };
}

/** A process that ends badly fails at least once, and one that ran no test fails too. */
function judge(output: string, problem: string | undefined): Counts & { problem: string | undefined } {
  const counts = countTests(output) ?? noCounts;
  if (counts.passed + counts.failed === 0) return { ...counts, failed: 1, problem: problem ?? 'no test ran' };
  if (problem !== undefined && counts.failed === 0) return { ...counts, failed: 1, problem };
  return { ...counts, problem: counts.failed > 0 ? (problem ?? 'failing tests') : undefined };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
