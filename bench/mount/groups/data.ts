// fio: sequential and random, reading and writing, 4 KiB to 1 MiB blocks, 1 and 4 jobs, one file for each job. New data
// is random, so nothing of it is known or compresses, and its fsync counts. Reading starts with the mount's own cache
// dropped (fio does that) and the file in the page cache below, so that the mount is measured and not the disk.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { KIB, MIB } from '../../../src/base/units.ts';
import { runChecked } from '../../../test/support/process.ts';
import { type Context, type Group, makeDurable } from '../group.ts';

const LIMIT_MS = 600_000;
const BLOCKS = [
  { name: '4k', bytes: 4 * KIB },
  { name: '64k', bytes: 64 * KIB },
  { name: '1m', bytes: MIB },
];
const JOBS = [1, 4];
const SHAPES = BLOCKS.flatMap((block) => JOBS.map((jobs) => ({ block, jobs })));

type Kind = 'read' | 'write' | 'randread' | 'randwrite';
const PREFIX: Readonly<Record<Kind, string>> = {
  read: 'seqread',
  write: 'seqwrite',
  randread: 'randread',
  randwrite: 'randwrite',
};

interface Transfer {
  readonly kind: Kind;
  readonly blockBytes: number;
  readonly jobs: number;
  /** Over all jobs. */
  readonly bytes: number;
  /** The files' name, below the work directory; they are made where they are not there. */
  readonly file: string;
  /** The file's size over all jobs, where it is more than what is transferred. */
  readonly fileBytes?: number;
}

export const dataGroups: readonly Group[] = (['read', 'write', 'randread', 'randwrite'] as const).map((kind) => ({
  name: `fio ${kind}`,
  rows: SHAPES.map(({ block, jobs }) => ({ name: `${PREFIX[kind]}-${block.name}-${jobs}`, unit: 'bytes/s' as const })),
  prepare: (context) => (kind === 'write' ? Promise.resolve() : layOutFiles(context)),
  measure: (context) => measureShapes(context, kind),
}));

/** One set of files for each number of jobs, which every shape of that many jobs uses. */
async function layOutFiles(context: Context): Promise<void> {
  for (const jobs of JOBS) {
    const bytes = context.sizes.bulkBytes;
    await transfer(context, { kind: 'write', blockBytes: MIB, jobs, bytes, file: `laid-out-${jobs}` });
  }
  await makeDurable(context);
}

async function measureShapes(context: Context, kind: Kind): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  for (const { block, jobs } of SHAPES) {
    const row = `${PREFIX[kind]}-${block.name}-${jobs}`;
    if (!context.wants(row)) continue;
    const file = kind === 'write' ? row : `laid-out-${jobs}`;
    const { bulkBytes, smallBlockBytes } = context.sizes;
    const bytes = block.bytes === 4 * KIB ? smallBlockBytes : bulkBytes;
    const fileBytes = kind === 'write' ? bytes : bulkBytes;
    rates.set(row, await transfer(context, { kind, blockBytes: block.bytes, jobs, bytes, file, fileBytes }));
    await makeDurable(context);
  }
  return rates;
}

interface FioReport {
  readonly jobs: readonly {
    readonly job_runtime: number;
    readonly error: number;
    readonly read: { readonly io_bytes: number };
    readonly write: { readonly io_bytes: number };
  }[];
}

const MILLISECONDS_PER_SECOND = 1000;

/** Bytes per second over all jobs, from the common start to the end of the slowest, its fsync included. */
async function transfer(context: Context, options: Transfer): Promise<number> {
  const { kind, blockBytes, jobs, bytes, file, fileBytes = bytes } = options;
  const output = await runChecked(
    'fio',
    [
      ...['--name=bench', '--output-format=json', '--ioengine=psync', `--directory=${context.work}`],
      ...[`--filename_format=${file}.$jobnum`, `--rw=${kind}`, `--bs=${blockBytes}`, `--numjobs=${jobs}`],
      ...[`--size=${Math.floor(fileBytes / jobs)}`, `--io_size=${Math.floor(bytes / jobs)}`],
      ...['--fallocate=none', '--refill_buffers', '--randrepeat=0', '--end_fsync=1', '--invalidate=1'],
    ],
    // Below the repository, `bench` is a directory, and fio gives all jobs of a name that is one the same file.
    { limitMs: LIMIT_MS, directory: context.work },
  );
  const report = JSON.parse(output.slice(output.indexOf('{'))) as FioReport;
  const moved = report.jobs.reduce((sum, job) => sum + job.read.io_bytes + job.write.io_bytes, 0);
  // fio counts whole milliseconds, and the tiny inputs of a quick run may take less than one.
  const milliseconds = Math.max(1, ...report.jobs.map((job) => job.job_runtime));
  if (report.jobs.some((job) => job.error !== 0) || moved < bytes * 0.99) {
    throw new Error(`fio moved ${moved} of ${bytes} bytes: ${output}`);
  }
  for (let job = 0; job < jobs; job++) statSync(join(context.work, `${file}.${job}`)); // each has a file of its own
  return (moved / milliseconds) * MILLISECONDS_PER_SECOND;
}
