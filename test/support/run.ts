// The test runner (uvu itself has no time limits, one process, and exits 0 on an empty suite): every *.test.ts runs in
// a child process with a time limit of its own, so a crash or a hang is a failure and not a lost run. Ends with
// `N passed, N failed`. Usage: run.ts [PART-OF-A-PATH]…
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shortOrLong } from './program-sizes.ts';
import { findTestFiles } from './test-files.ts';
import { type Job, type Outcome, runJob } from './test-job.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const UNIT_LIMIT_MS = 180_000;
const END_TO_END_LIMIT_MS = shortOrLong(600_000, 7_200_000);
const SANITIZE_LIMIT_MS = 900_000;
const FUZZ_LIMIT_MS = 900_000;
/** Two unit tests at a time: the machines that run this have two cores. */
const UNIT_PARALLEL = Math.min(2, availableParallelism());

async function runAll(filters: readonly string[]): Promise<Outcome[]> {
  const wanted = (name: string): boolean => filters.length === 0 || filters.some((filter) => name.includes(filter));
  const { parallel, serial } = findTestFiles(ROOT);
  const unit = parallel.filter(wanted).map((file) => testJob(file, UNIT_LIMIT_MS));
  const alone = serial.filter(wanted).map((file) => testJob(file, END_TO_END_LIMIT_MS));
  if (wanted('native/fuzz')) alone.unshift(nativeJob('fuzz', FUZZ_LIMIT_MS));
  if (wanted('native/sanitize')) alone.unshift(nativeJob('sanitize', SANITIZE_LIMIT_MS));
  const results = await runJobs(unit, UNIT_PARALLEL);
  return [...results, ...(await runJobs(alone, 1))];
}

const testJob = (file: string, limitMs: number): Job => ({
  name: relative(ROOT, file),
  command: process.execPath,
  arguments: ['--import', 'tsx', file],
  limitMs,
});

/** The C++ core's own tests, or its fuzz targets for a few seconds each, under the sanitizers. */
const nativeJob = (target: 'sanitize' | 'fuzz', limitMs: number): Job => ({
  name: `native/${target}`,
  command: 'make',
  arguments: ['--no-print-directory', '-j2', '-C', join(ROOT, 'native'), target],
  limitMs,
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
