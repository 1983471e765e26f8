// `make compare`, `make compare-large`: PacketFS beside the tools that people copy trees with, on an emulated link: the
// same changes of the same data, each tool on a fresh link, in turn within a round. What is compared, and how, is in
// docs/performance.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { unmountBelow } from '../../test/support/mounts.ts';
import { chosen, countOf, writeResult } from '../arguments.ts';
import { profileNamed } from '../link/profiles.ts';
import { describeMachine } from '../machine.ts';
import { type CompareFile, fileNameOf } from './cells.ts';
import { type DataSet, dataSetNamed } from './data-sets.ts';
import { expected, formatExpected, freeBytes, lackOfDisk, type Plan } from './expectation.ts';
import { fetchData, placesBelow } from './fetch.ts';
import { type Measured, measureRows } from './measure.ts';
import { rowsOf, withGroups } from './rows.ts';
import { packetfs } from './subjects/packetfs.ts';
import { rsyncDaemon, tarOverTcp } from './subjects/plain.ts';
import { rsyncOverSsh, scp, tarZstdOverSsh } from './subjects/ssh.ts';
import { borg, casync, restic } from './subjects/stores.ts';
import type { Subject } from './subjects/subject.ts';
import { syncthing, unison } from './subjects/synchronizers.ts';
import { formatRows } from './table.ts';

const SUBJECTS: readonly Subject[] = [
  packetfs,
  rsyncDaemon,
  rsyncOverSsh,
  scp,
  tarZstdOverSsh,
  tarOverTcp('cubic'),
  tarOverTcp('bbr'),
  casync,
  borg,
  restic,
  unison,
  syncthing,
];
const MEBIBYTE = 2 ** 20;
const EXIT_REFUSED = 2;

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'ordinary' },
    profile: { type: 'string', default: '' },
    subjects: { type: 'string', default: '' },
    rows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    big: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});

const say = (line: string): boolean => process.stderr.write(`${line}\n`);

interface Comparison extends Plan {
  readonly subjects: readonly Subject[];
  readonly rounds: number;
  /** Of the data, and of the machines. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

async function compare({ data, rows, profile, subjects, rounds, directory, signal }: Comparison): Promise<void> {
  const results = subjects.map(({ name }) => ({ subject: name, rounds: [] as Measured[][] }));
  const file: CompareFile = {
    profile,
    date: new Date().toISOString(),
    data: { name: data.name, trees: treeNames(data), bigBytes: data.bigBytes },
    machine: { ...(await describeMachine(directory)), 'load before': loadavg()[0]?.toFixed(2) ?? '' },
    rows: rows.map(({ name, title }) => ({ name, title })),
    results,
  };
  for (let round = 1; round <= rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      say(`round ${round}: ${subject.name}`);
      const told = ({ row, seconds }: Measured): boolean => say(`  ${row}: ${seconds.toFixed(2)} s`);
      results[index]?.rounds.push(await measureRows({ subject, rows, profile, seed: round, directory, told, signal }));
      writeResult(values.output, fileNameOf(file), file); // what took so long is not lost with what comes next
    }
  }
  process.stdout.write(
    `${profile.name}\n${formatRows(new Map(rows.map(({ name, title }) => [name, title])), results)}`,
  );
}

const treeNames = ({ text, native, many, ten }: DataSet): string[] =>
  [text, native, many, ten].flatMap(({ trees }) => trees.map(({ name }) => name));

/** Aborted by who types ^C or by timeout(1): what was mounted and started is then removed as at the end. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`ended by ${signal}`)));
  }
  return controller.signal;
}

async function main(): Promise<void> {
  const named = await dataSetNamed(values.data);
  const data = values.big === '' ? named : { ...named, bigBytes: countOf(values.big, 1) * MEBIBYTE };
  const subjects = chosen(values.subjects === '' ? data.subjects : values.subjects, SUBJECTS);
  const rounds = countOf(values.rounds, data.rounds);
  const profile = profileNamed(values.profile === '' ? 'wan' : values.profile);
  const directory = mkdtempSync(join(tmpdir(), 'pfs-compare-'));
  try {
    const places = placesBelow(join(directory, 'data'), data);
    const all = rowsOf(data, places);
    const rows = withGroups(chosen(values.rows, all), all);
    const plan = { data, rows, profile, runs: rounds * subjects.length };
    const needed = expected(plan);
    say(`${subjects.map(({ name }) => name).join('; ')} on ${profile.name}: ${formatExpected(needed)}`);
    const lack = lackOfDisk(needed.diskBytes, freeBytes(directory), directory);
    if (lack !== undefined) {
      say(lack);
      process.exitCode = EXIT_REFUSED;
      return;
    }
    const signal = untilInterrupted();
    await fetchData(data, places, new Set(rows.map(({ group }) => group)));
    await compare({ ...plan, subjects, rounds, directory, signal });
  } finally {
    await unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
