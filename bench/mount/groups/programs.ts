// Programs as people run them: seconds until the command has returned and its bytes are on the disk. `git-status` and
// `grep` are warm: a first run, not counted, has filled the caches.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runChecked } from '../../../test/support/process.ts';
import { type Context, type Group, makeDurable, secondsOf } from '../group.ts';

const LIMIT_MS = 600_000;
/** Of short commands, timed together. */
const REPETITIONS = 10;
/** Git reads a file again while its time is not before the index's, in seconds. */
const RACY_MS = 1100;

interface ProgramRow {
  readonly name: string;
  /** Not counted. */
  readonly before?: (context: Context) => Promise<unknown>;
  readonly run: (context: Context) => Promise<unknown>;
}

const checkOut = async (context: Context): Promise<void> => {
  await command('git', 'clone', '--quiet', '--no-local', await context.fixtures.repository(), at(context, 'clone'));
};
const gitStatus = (context: Context): Promise<unknown> =>
  command('git', '-C', at(context, 'clone'), 'status', '--short');
/** Behind it, a status compares attributes alone, with an index that was written after the last file. */
const settledStatus = async (context: Context): Promise<void> => {
  await delay(RACY_MS);
  await gitStatus(context);
};
/** A word that no file contains, so that all of each is searched; grep says so with exit code 1. */
const search = (context: Context): Promise<unknown> =>
  command('sh', '-c', 'grep -r -F zyxwvutsrq "$1"; [ $? = 1 ]', '-', at(context, 'untar'));
const unpack = async (context: Context): Promise<void> => {
  mkdirSync(at(context, 'untar'));
  await command('tar', '-xf', await context.fixtures.archive(), '-C', at(context, 'untar'));
};

const CLONE_ROWS: readonly ProgramRow[] = [
  { name: 'git-clone', run: counted(checkOut) },
  { name: 'git-status', before: settledStatus, run: repeated(gitStatus) },
];
const TREE_ROWS: readonly ProgramRow[] = [
  { name: 'untar', run: counted(unpack) },
  { name: 'grep', before: search, run: repeated(search) },
];
const RSYNC_ROWS: readonly ProgramRow[] = [
  {
    name: 'rsync',
    run: counted(async (context) => {
      await command('rsync', '-aHAX', `${await context.fixtures.tree()}/`, at(context, 'rsync'));
    }),
  },
];
const COPY_ROWS: readonly ProgramRow[] = [
  {
    name: 'copy-small-files',
    run: counted(async (context) => {
      await command('cp', '-a', await context.fixtures.smallFiles(), at(context, 'copy'));
    }),
  },
];
const NPM_ROWS: readonly ProgramRow[] = [
  {
    name: 'npm-ci',
    before: async (context) => cpSync(await context.fixtures.npmProject(), at(context, 'npm'), { recursive: true }),
    run: counted(async (context) => {
      const [program = '', ...parameters] = context.fixtures.npmCi;
      await runChecked(program, parameters, { directory: at(context, 'npm'), limitMs: LIMIT_MS });
    }),
  },
];

export const programGroups: readonly Group[] = [
  programGroup('git', CLONE_ROWS, async ({ fixtures }) => {
    await fixtures.repository();
  }),
  programGroup('untar and grep', TREE_ROWS, async ({ fixtures }) => {
    await fixtures.archive();
  }),
  programGroup('rsync', RSYNC_ROWS, async ({ fixtures }) => {
    await fixtures.tree();
  }),
  programGroup('small files', COPY_ROWS, async ({ fixtures }) => {
    await fixtures.smallFiles();
  }),
  programGroup('npm ci', NPM_ROWS, async ({ fixtures }) => {
    await fixtures.npmProject();
  }),
];

/** A row needs what the rows before it made, so they run even where only it is wanted. */
function programGroup(name: string, rows: readonly ProgramRow[], prepare: (context: Context) => Promise<void>): Group {
  return {
    name,
    rows: rows.map((row) => ({ name: row.name, unit: 'seconds' as const })),
    prepare,
    measure: async (context) => {
      const seconds = new Map<string, number>();
      for (const row of rows) {
        await row.before?.(context);
        const measured = await secondsOf(() => row.run(context));
        if (context.wants(row.name)) seconds.set(row.name, measured);
      }
      return seconds;
    },
  };
}

function counted(action: (context: Context) => Promise<unknown>): (context: Context) => Promise<void> {
  return async (context) => {
    await action(context);
    await makeDurable(context);
  };
}

function repeated(action: (context: Context) => Promise<unknown>): (context: Context) => Promise<void> {
  return async (context) => {
    for (let repetition = 0; repetition < REPETITIONS; repetition++) await action(context);
  };
}

const at = (context: Context, name: string): string => join(context.work, name);

async function command(program: string, ...parameters: readonly string[]): Promise<void> {
  await runChecked(program, parameters, { limitMs: LIMIT_MS });
}
