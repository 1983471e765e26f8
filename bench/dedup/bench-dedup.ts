// `make bench-dedup`: how many bytes are left when releases of the same thing are stored one after the other, by PacketFS,
// by FastCDC and by tools that keep chunks. What is compared, and how, is in docs/performance.md. `--quick` only shows
// that it runs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { unmountBelow } from '../../test/support/mounts.ts';
import { runChecked } from '../../test/support/process.ts';
import { chosen, countOf, writeResult } from '../arguments.ts';
import { describeMachine } from '../machine.ts';
import { type Family, families } from './families.ts';
import { type FamilyResult, meanChunkBytes, OWN, type Results } from './results.ts';
import { borg } from './subjects/borg.ts';
import { casync } from './subjects/casync.ts';
import { fastCdc, fastCdcOfEqualChunks } from './subjects/fastcdc.ts';
import { packetfs } from './subjects/packetfs.ts';
import { restic } from './subjects/restic.ts';
import type { Stored, Subject } from './subjects/subject.ts';
import { formatResults } from './table.ts';

const SUBJECTS: readonly Subject[] = [packetfs, fastCdc, fastCdcOfEqualChunks, borg, restic, casync];
const ROUNDS = 3;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    families: { type: 'string', default: '' },
    subjects: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});

interface Run {
  readonly subjects: readonly Subject[];
  readonly rounds: number;
  /** Left as it was found. */
  readonly directory: string;
}

async function measureFamily(family: Family, { subjects, rounds, directory }: Run): Promise<FamilyResult> {
  const data = join(directory, family.name);
  mkdirSync(data);
  const releases = await family.make(data);
  const stored: Record<string, Stored[]> = {};
  for (const subject of subjects) {
    stored[subject.name] = [];
    for (let round = 1; round <= (subject.differs ? rounds : 1); round++) {
      process.stderr.write(`${family.name}, round ${round}: ${subject.name}\n`);
      const place = join(directory, 'store');
      mkdirSync(place);
      const ownChunkBytes = meanChunkBytes({ stored }, OWN);
      stored[subject.name]?.push(await subject.store({ releases, directory: place, seed: round, ownChunkBytes }));
      rmSync(place, { recursive: true });
    }
  }
  const sizes = await sizesBelow(releases);
  rmSync(data, { recursive: true });
  const { name, title } = family;
  const rawBytes = sizes.reduce((sum, size) => sum + size, 0);
  return { name, title, releases: releases.length, files: sizes.length, rawBytes, stored };
}

async function sizesBelow(directories: readonly string[]): Promise<number[]> {
  const list = await runChecked('find', [...directories, '-type', 'f', '-printf', '%s\\n']);
  return list.trim().split('\n').map(Number);
}

async function measure(directory: string): Promise<Results> {
  const { quick } = values;
  const subjects = chosen(values.subjects, SUBJECTS);
  const rounds = countOf(values.rounds, quick ? 1 : ROUNDS);
  const results: FamilyResult[] = [];
  for (const family of chosen(values.families, families(quick))) {
    results.push(await measureFamily(family, { subjects, rounds, directory }));
  }
  const described: Record<string, string> = {};
  for (const { name, describe } of subjects) described[name] = await describe();
  return {
    date: new Date().toISOString(),
    machine: await describeMachine(directory),
    subjects: described,
    rounds,
    quick,
    families: results,
  };
}

const directory = mkdtempSync(join(tmpdir(), 'pfs-dedup-'));
try {
  const results = await measure(directory);
  const text = formatResults(results);
  process.stdout.write(text);
  writeResult(values.output, 'dedup', results);
  if (values.output !== '') writeFileSync(join(values.output, 'dedup.md'), text);
} finally {
  await unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true });
}
