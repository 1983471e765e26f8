// `make compare` measures what it says, with trees of its own: PacketFS and rsync's daemon over an emulated link. Needs root.
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Measured, type MeasureOptions, measureRows } from '../../bench/compare/measure.ts';
import type { Row } from '../../bench/compare/rows.ts';
import { packetfs } from '../../bench/compare/subjects/packetfs.ts';
import { rsyncDaemon } from '../../bench/compare/subjects/plain.ts';
import type { Subject } from '../../bench/compare/subjects/subject.ts';
import { formatRows, type SubjectRounds } from '../../bench/compare/table.ts';
import { profileNamed } from '../../bench/link/profiles.ts';
import { runChecked } from '../support/process.ts';

const FILE_BYTES = 1_000_000;
/** Whether it is started by then or not, the interruption ends it. */
const ENDLESS_RUNS_MS = 300;
const test = suite('compare');

const ROWS: readonly Row[] = [
  {
    name: 'first',
    title: 'first copy',
    group: 'text',
    steps: [
      {
        commands: [
          ['mkdir', 'tree'],
          ['sh', '-c', `head -c ${FILE_BYTES} /dev/urandom >tree/file`],
          ['ln', '-s', '../../.././elsewhere', 'tree/link'],
        ],
        names: ['tree'],
      },
    ],
  },
  {
    name: 'rename',
    title: 'renamed tree',
    group: 'text',
    steps: [{ commands: [['mv', 'tree', 'renamed']], names: ['renamed'] }],
  },
];

const measure = (subject: Subject, more: Partial<MeasureOptions> = {}): Promise<Measured[]> =>
  measureRows({
    subject,
    rows: ROWS,
    profile: profileNamed('metro'),
    seed: 1,
    directory: mkdtempSync(join(tmpdir(), 'compare-')),
    ...more,
  });

test('bytes, seconds and processor time of both ends are those of the row', async () => {
  const results: SubjectRounds[] = [];
  for (const subject of [packetfs, rsyncDaemon]) {
    const measured = await measure(subject);
    results.push({ subject: subject.name, rounds: [measured] });
    for (const {
      seconds,
      secondsAfterChange,
      senderCpuSeconds,
      receiverCpuSeconds,
      senderMemoryBytes,
      receiverMemoryBytes,
    } of measured) {
      assert.ok(seconds > secondsAfterChange && secondsAfterChange > 0);
      assert.ok(senderCpuSeconds > 0 && receiverCpuSeconds > 0);
      assert.ok(senderMemoryBytes > 1e6 && receiverMemoryBytes > 1e6);
    }
    assert.ok((measured[0]?.wireBytes ?? 0) > FILE_BYTES, 'random bytes cross the link');
  }
  const renamed = results.map(({ rounds }) => rounds[0]?.[1]?.wireBytes ?? 0);
  assert.ok((renamed[0] ?? 0) < 20_000, `PacketFS renames with ${renamed[0]} bytes`);
  assert.ok((renamed[1] ?? 0) > FILE_BYTES, `rsync sends it again: ${renamed[1]} bytes`);
  const lines = formatRows(new Map(ROWS.map(({ name, title }) => [name, title])), results)
    .trimEnd()
    .split('\n');
  assert.is(lines.length, 2 + ROWS.length * results.length);
});

test('a receiver that has something else is noticed', async () => {
  const liar: Subject = {
    name: 'liar',
    start: async (sides) => ({ ...(await rsyncDaemon.start(sides)), transfer: async () => {} }),
  };
  try {
    await measure(liar);
    assert.unreachable('nothing was transferred');
  } catch (error) {
    assert.match(String(error), 'the receiver has something else');
  }
});

test('an interrupted one ends what it runs, and leaves no mount and no machine', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'compare-'));
  const controller = new AbortController();
  const endless: Row = {
    name: 'endless',
    title: 'endless',
    group: 'text',
    steps: [{ commands: [['sleep', '600']], names: [] }],
  };
  const namespaces = (): Promise<string> => runChecked('ip', ['netns', 'list']);
  const ours = `pfs-${process.pid}-compare`;
  const interrupted = measure(packetfs, {
    rows: [...ROWS, endless],
    directory,
    signal: controller.signal,
    told: ({ row }) => {
      if (row === 'rename') setTimeout(() => controller.abort(new Error('enough')), ENDLESS_RUNS_MS);
    },
  });
  const error = await interrupted.then(() => undefined, String);
  assert.is.not(error, undefined);
  assert.is((await namespaces()).includes(ours), false);
  assert.equal(readdirSync(directory), []);
});

test.run();
