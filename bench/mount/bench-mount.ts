// `make bench-mount`: PacketFS's mount beside others on the same disk. Prints a table; writes it with every round's
// value, and a plot, into the output directory. What is compared, and how, is in docs/performance.md.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { unmountBelow } from '../../test/support/mounts.ts';
import { describeMachine } from '../machine.ts';
import { makeFixtures } from './fixtures.ts';
import { combined, type Group } from './group.ts';
import { dataGroups } from './groups/data.ts';
import { knownDataGroup } from './groups/known-data.ts';
import { metadataGroups } from './groups/metadata.ts';
import { programGroups } from './groups/programs.ts';
import { sqliteGroup } from './groups/sqlite.ts';
import { type BenchOptions, parseOptions, sizesOf } from './options.ts';
import { plotRatios } from './plot.ts';
import { compileMetadataClient, compilePassthroughHigh, compilePassthroughLow } from './programs.ts';
import { describeSubjects, type Results, rowResults } from './results.ts';
import { runRounds } from './rounds.ts';
import { mountedSubjects, plainDisk } from './subjects/mounted.ts';
import { packetfs } from './subjects/packetfs.ts';
import type { Subject } from './subjects/subject.ts';
import { formatTable } from './table.ts';

const GROUPS: readonly Group[] = [...dataGroups, knownDataGroup, ...metadataGroups, ...programGroups, sqliteGroup];

async function measure(options: BenchOptions, directory: string): Promise<Results> {
  const subjects = await chooseSubjects(options, directory);
  const sizes = sizesOf(options);
  const measurements = await runRounds({
    directory,
    subjects,
    groups: options.quick ? [combined(GROUPS)] : GROUPS,
    rounds: options.rounds,
    warmUps: options.warmUps,
    sizes,
    fixtures: makeFixtures(directory, sizes),
    metadataClient: await compileMetadataClient(directory),
    wants: wantedRows(options.rows),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const { baseline, rounds, warmUps, quick } = options;
  return {
    date: new Date().toISOString(),
    machine: await describeMachine(directory),
    subjects: await describeSubjects(subjects),
    baseline,
    rounds,
    warmUps,
    quick,
    rows: rowResults(measurements, { groups: GROUPS, baseline }),
  };
}

/** Compiles only what is measured. */
async function chooseSubjects({ subjects: names }: BenchOptions, directory: string): Promise<Subject[]> {
  const low = await compilePassthroughLow(directory);
  const high = names.includes('passthrough_hp') ? await compilePassthroughHigh(directory) : undefined;
  const known = [packetfs, plainDisk, ...mountedSubjects({ low, high })];
  return names.map((name) => {
    const subject = known.find((candidate) => candidate.name === name);
    if (subject === undefined) throw new Error(`there is no subject "${name}"`);
    return subject;
  });
}

/** A row is wanted by its name or the first words of it: `stat` wants stat-1 and stat-4. No words want everything. */
function wantedRows(wanted: readonly string[]): (row: string) => boolean {
  const names = GROUPS.flatMap((group) => group.rows.map(({ name }) => name));
  const matches = (row: string, word: string): boolean => row === word || row.startsWith(`${word}-`);
  const unknown = wanted.find((word) => !names.some((name) => matches(name, word)));
  if (unknown !== undefined) throw new Error(`there is no row "${unknown}": ${names.join(' ')}`);
  return (row) => wanted.length === 0 || wanted.some((word) => matches(row, word));
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const directory = mkdtempSync(join(resolve(options.directory ?? tmpdir()), 'pfs-bench-mount-'));
  try {
    const results = await measure(options, directory);
    const table = formatTable(results);
    process.stdout.write(table);
    if (options.output === undefined) return;
    mkdirSync(options.output, { recursive: true });
    writeFileSync(join(options.output, 'mount.json'), `${JSON.stringify(results, undefined, 2)}\n`);
    writeFileSync(join(options.output, 'mount.md'), table);
    writeFileSync(join(options.output, 'mount.svg'), plotRatios(results));
  } finally {
    await unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
