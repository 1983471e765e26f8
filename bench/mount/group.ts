// What is measured on a subject: a group prepares once and then measures rows that build on each other, in order. What
// is prepared does not count; what a row counts includes bringing its bytes to the disk.
import { runChecked } from '../../test/support/process.ts';
import type { Fixtures } from './fixtures.ts';
import type { Place } from './subjects/subject.ts';

/** `rate` is better when it is more, `seconds` when it is less. */
export type Unit = 'bytes/s' | 'operations/s' | 'seconds';

export interface Sizes {
  /** Of a sequential transfer in large blocks, over all jobs. */
  readonly bulkBytes: number;
  /** Of a transfer in 4 KiB blocks, over all jobs. */
  readonly smallBlockBytes: number;
  /** Files of one metadata client. */
  readonly files: number;
  readonly transactions: number;
  readonly commits: number;
  /** Packages of node_modules that make the tree that is unpacked, copied and searched. */
  readonly treePackages: readonly string[];
  /** Of the tree that `cp` copies: the passthroughs keep a descriptor for each, and 20,000 is a usual bound. */
  readonly smallFiles: number;
  /** What `npm ci` installs: PacketFS's own dependencies, or one small package. */
  readonly npm: 'own' | 'small';
}

export interface Context extends Place {
  readonly sizes: Sizes;
  readonly fixtures: Fixtures;
  readonly metadataClient: string;
  readonly wants: (row: string) => boolean;
}

export interface Group {
  readonly name: string;
  readonly rows: readonly { readonly name: string; readonly unit: Unit }[];
  /** Measured after untimed passes: a daemon that runs for weeks has long been compiled as it is used. */
  readonly warmsUp?: boolean;
  readonly prepare?: (context: Context) => Promise<void>;
  /** Measures the rows that are wanted, in their order. */
  readonly measure: (context: Context) => Promise<Map<string, number>>;
}

/** All of them as one, for runs so small that starting subjects would be most of it. */
export const combined = (groups: readonly Group[]): Group => ({
  name: 'everything',
  rows: groups.flatMap(({ rows }) => rows),
  prepare: async (context) => {
    for (const group of groups) await group.prepare?.(context);
  },
  measure: async (context) => {
    const measured = new Map<string, number>();
    for (const group of groups) for (const [row, value] of await group.measure(context)) measured.set(row, value);
    return measured;
  },
});

/**
 * Brings all that was written to the disk. sync(2) and syncfs(2) do not reach a FUSE daemon, an fsync of the top
 * directory does: for PacketFS it commits everything; the others then have it in the filesystem below.
 */
export async function makeDurable({ work, backing }: Place): Promise<void> {
  await runChecked('sync', ['--file-system', work]);
  await runChecked('sync', [work]);
  await runChecked('sync', ['--file-system', backing]);
}

const SECONDS_PER_NANOSECOND = 1e-9;

export async function secondsOf(action: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - started) * SECONDS_PER_NANOSECOND;
}
