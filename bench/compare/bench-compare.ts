// `make compare`: PacketFS beside the tools that people copy trees with, on an emulated link: the same changes of the same
// data, each tool on a fresh link, in turn within a round. What is compared, and how, is in docs/performance.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { unmountBelow } from '../../test/support/mounts.ts';
import { chosen, countOf, writeResult } from '../arguments.ts';
import { profileNamed } from '../link/profiles.ts';
import type { CompareFile } from './cells.ts';
import { type Measured, measureRows } from './measure.ts';
import { makeRows, type Row } from './rows.ts';
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
const BIG_MEGABYTES = 256;
const MEBIBYTE = 2 ** 20;

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: '' },
    subjects: { type: 'string', default: '' },
    rows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    big: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});

/** What a row needs of the rows before it comes with it. */
const withGroups = (rows: readonly Row[], all: readonly Row[]): readonly Row[] =>
  all.filter((row) => rows.some((wanted) => wanted.group === row.group && all.indexOf(row) <= all.indexOf(wanted)));

async function compare(directory: string): Promise<void> {
  const profile = profileNamed(values.profile === '' ? 'wan' : values.profile);
  const subjects = chosen(values.subjects, SUBJECTS);
  const all = await makeRows(join(directory, 'data'), countOf(values.big, BIG_MEGABYTES) * MEBIBYTE);
  const rows = withGroups(chosen(values.rows, all), all);
  const results = subjects.map(({ name }) => ({ subject: name, rounds: [] as Measured[][] }));
  for (let round = 1; round <= countOf(values.rounds, 3); round++) {
    for (const [index, subject] of subjects.entries()) {
      process.stderr.write(`round ${round}: ${subject.name}\n`);
      results[index]?.rounds.push(await measureRows({ subject, rows, profile, seed: round, directory }));
    }
  }
  process.stdout.write(
    `${profile.name}\n${formatRows(new Map(rows.map(({ name, title }) => [name, title])), results)}`,
  );
  const file: CompareFile = {
    profile,
    date: new Date().toISOString(),
    rows: rows.map(({ name, title }) => ({ name, title })),
    results,
  };
  writeResult(values.output, `compare-${profile.name}`, file);
}

const directory = mkdtempSync(join(tmpdir(), 'pfs-compare-'));
try {
  await compare(directory);
} finally {
  await unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true });
}
