// The test runner (uvu itself has no time limits, one process, and exits 0 on an empty suite): every *.test.ts runs in
// a child process with a time limit of its own, so a crash or a hang is a failure and not a lost run. Ends with
// `N passed, N failed`. Usage: run.ts [PART-OF-A-PATH]…
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unmountBelow } from './mounts.ts';
import { removeNamespacesOf } from './namespaces.ts';
import { type Counts, countTests, noCounts } from './test-counts.ts';
import { findTestFiles } from './test-files.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const UNIT_LIMIT_MS = 180_000;
const END_TO_END_LIMIT_MS = 600_000;
const SANITIZE_LIMIT_MS = 900_000;
/** Two unit tests at a time: the machines that run this have two cores. */
const UNIT_PARALLEL = Math.min(2, availableParallelism());

interface Job {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly limitMs: number;
}

interface Outcome extends Counts {
  readonly job: Job;
  readonly problem: string | undefined;
  readonly output: string;
  readonly seconds: number;
}

async function runAll(filters: readonly string[]): Promise<Outcome[]> {
  const wanted = (name: string): boolean => filters.length === 0 || filters.some((filter) => name.includes(filter));
  const { parallel, serial } = findTestFiles(ROOT);
  const unit = parallel.filter(wanted).map((file) => testJob(file, UNIT_LIMIT_MS));
  const alone = serial.filter(wanted).map((file) => testJob(file, END_TO_END_LIMIT_MS));
  if (wanted('native/sanitize')) alone.unshift(sanitizeJob());
  const results = await runJobs(unit, UNIT_PARALLEL);
  return [...results, ...(await runJobs(alone, 1))];
}

const testJob = (file: string, limitMs: number): Job => ({
  name: relative(ROOT, file),
  command: process.execPath,
  arguments: ['--import', 'tsx', file],
  limitMs,
});

/** The C++ core's own tests, under the address and undefined-behaviour sanitizers. */
const sanitizeJob = (): Job => ({
  name: 'native/sanitize',
  command: 'make',
  arguments: ['--no-print-directory', '-j2', '-C', join(ROOT, 'native'), 'sanitize'],
  limitMs: SANITIZE_LIMIT_MS,
});

async function runJobs(jobs: readonly Job[], parallel: number): Promise<Outcome[]> {
  const results: Outcome[] = [];
  const queue = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const outcome = await runJob(job);
      results.push(outcome);
      announce(outcome);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

/** Runs one job in a process group of its own, with a temporary directory that is unmounted and removed afterwards. */
async function runJob(job: Job): Promise<Outcome> {
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
  const { FORCE_COLOR: _colour, ...inherited } = process.env;
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

function announce(outcome: Outcome): void {
  const { job, passed, failed, seconds, problem } = outcome;
  console.log(
    `${failed === 0 ? 'ok  ' : 'FAIL'} ${job.name}: ${passed} passed, ${failed} failed (${seconds.toFixed(1)} s)`,
  );
  if (problem !== undefined) console.log(`${outcome.output.trimEnd()}\n---- ${job.name}: ${problem}`);
}

function report(results: readonly Outcome[]): void {
  const passed = results.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = results.reduce((sum, outcome) => sum + outcome.failed, 0);
  const skipped = results.reduce((sum, outcome) => sum + outcome.skipped, 0);
  for (const outcome of results) if (outcome.failed > 0) console.log(`failed: ${outcome.job.name}: ${outcome.problem}`);
  if (results.length === 0) console.log('no test file matches');
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
}

report(await runAll(process.argv.slice(2)));
