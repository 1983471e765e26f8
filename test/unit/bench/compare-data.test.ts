// What `make compare` and `make compare-large` take for their rows, and what they say of it before they begin.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileNameOf } from '../../../bench/compare/cells.ts';
import {
  type DataSet,
  dataSetNamed,
  type Group,
  large,
  ordinary,
  type Tree,
} from '../../../bench/compare/data-sets.ts';
import { type Expected, expected, formatExpected, lackOfDisk } from '../../../bench/compare/expectation.ts';
import { fetchData, PATCH_BYTES, placesBelow } from '../../../bench/compare/fetch.ts';
import { type Row, rowsOf, withGroups } from '../../../bench/compare/rows.ts';
import { latestTwo } from '../../../bench/debian-sources.ts';
import { profileNamed } from '../../../bench/link/profiles.ts';

const GIBIBYTE = 2 ** 30;
const KERNELS = [
  { package: 'linux-source-6.1', version: '6.1.190-1' },
  { package: 'linux-source-6.1', version: '6.1.192-3' },
];

const rowsBelow = (data: DataSet): readonly Row[] => rowsOf(data, placesBelow('/data', data));
const namesOf = (rows: readonly Row[]): string[] => rows.map(({ name }) => name);
const expect = (data: DataSet, rows: readonly Row[], more: { link?: string; runs?: number } = {}): Expected =>
  expected({ data, rows, profile: profileNamed(more.link ?? 'wan'), runs: more.runs ?? 1 });

const test = suite('data of a comparison');

test('both sets make the same rows; the large one has what was asked for', () => {
  const data = large(KERNELS);
  const rows = rowsBelow(data);
  assert.equal(namesOf(rows), namesOf(rowsBelow(ordinary())));
  assert.ok(data.bigBytes >= GIBIBYTE && data.many.files >= 30_000);
  assert.is(rows.find(({ name }) => name === 'many-files')?.title, 'a tree of 34,000 files');
  assert.is(rows.find(({ name }) => name === 'ten-releases')?.steps.length, 10);
  assert.equal(
    data.text.trees.map(({ name }) => name),
    ['linux-source-6.1 6.1.190-1', 'linux-source-6.1 6.1.192-3'],
  );
});

test('each release of a set has a place of its own', () => {
  for (const data of [ordinary(), large(KERNELS)]) {
    const { trees, big, patch } = placesBelow('/data', data);
    const all = [...Object.values(trees).flat(), big, patch];
    assert.is(new Set(all).size, all.length);
    assert.is(trees.ten.length, data.ten.trees.length);
  }
});

test('what was not chosen is not fetched; a release comes to be where the rows look for it', async () => {
  const unpacked: string[] = [];
  const tree = (name: string): Tree => ({
    name,
    unpack: (directory) => {
      unpacked.push(`${name} in ${directory}`);
      return Promise.resolve();
    },
  });
  const data = {
    ...large(KERNELS),
    native: { trees: [tree('one'), tree('two')], files: 1, bytes: 1 },
    ten: { trees: [tree('never')], files: 1, bytes: 1 },
  };
  await fetchData(data, placesBelow('/data', data), new Set<Group>(['native']));
  assert.equal(unpacked, ['one in /data/native/0', 'two in /data/native/1']);
  const commands = rowsBelow(data).find(({ name }) => name === 'native-next')?.steps[0]?.commands[0];
  assert.ok(commands?.includes('/data/native/1/'));
});

test('the patch lies inside the big file, whatever its size', () => {
  for (const bigBytes of [GIBIBYTE, 2 ** 20, 3 * PATCH_BYTES]) {
    const command = rowsBelow({ ...ordinary(), bigBytes }).find(({ name }) => name === 'patch')?.steps[0]?.commands[0];
    const seek = Number(command?.find((part) => part.startsWith('seek='))?.slice('seek='.length));
    assert.ok(seek > 0 && (seek + 1) * PATCH_BYTES <= bigBytes, `${seek} of ${bigBytes}`);
  }
});

test('with a row come those before it in its group, and no others', () => {
  const all = rowsBelow(ordinary());
  const chosen = all.filter(({ name }) => name === 'duplicate' || name === 'patch');
  assert.equal(namesOf(withGroups(chosen, all)), ['first-copy', 'next-release', 'duplicate', 'patch']);
});

test('what it takes grows with data, runs and slowness, and leaves out rows that were not chosen', () => {
  const data = large(KERNELS);
  const all = rowsBelow(data);
  const whole = expect(data, all);
  const small = expect(ordinary(), rowsBelow(ordinary()));
  assert.ok(whole.seconds > 4 * small.seconds && whole.diskBytes > 4 * small.diskBytes);
  assert.is(expect(data, all, { runs: 3 }).seconds, 3 * whole.seconds);
  assert.is(expect(data, all, { runs: 3 }).diskBytes, whole.diskBytes, 'one tool after the other');
  assert.ok(expect(data, all, { link: 'lan' }).seconds < whole.seconds);
  const patch = expect(
    data,
    all.filter(({ name }) => name === 'patch'),
  );
  assert.ok(patch.diskBytes >= 3 * GIBIBYTE && patch.diskBytes < whole.diskBytes / 2, 'the file and both machines');
  assert.ok(patch.seconds > (2 * GIBIBYTE * 8) / 100e6, 'it crosses the link twice');
});

test('it is told in minutes and gigabytes, and too small a disk is refused by its name', () => {
  assert.is(formatExpected({ seconds: 1441, diskBytes: 21.74e9 }), 'up to 25 minutes, and 21.7 GB of disk at once');
  assert.is(lackOfDisk(5e9, 5e9, '/tmp/x'), undefined);
  assert.match(
    lackOfDisk(5e9, 4.9e9, '/tmp/x') ?? '',
    /^5\.0 GB are needed in \/tmp\/x, and 4\.9 GB are free .*TMPDIR/,
  );
});

test('results of the two sets have different files; those from before there were two stay', () => {
  const profile = { name: 'wan' };
  const nameOf = (name: string): string => fileNameOf({ profile, data: { name, trees: [], bigBytes: 1 } });
  assert.equal(
    [fileNameOf({ profile }), nameOf(''), nameOf('large')],
    ['compare-wan', 'compare-wan', 'compare-large-wan'],
  );
});

test('a set that there is not is refused with those that there are', async () => {
  const error = await dataSetNamed('huge').catch(String);
  assert.match(String(error), '"huge" is no set of data; these are: ordinary, large');
});

const madison = (...lines: readonly string[]): string =>
  lines.map((line) => `${line} | http://deb.debian.org/debian bookworm/main amd64 Packages\n`).join('');

test('of what apt offers the newest release and the one before it are taken, compared as numbers', () => {
  const offered = madison(
    'linux-source-6.1 | 6.1.90-1',
    'linux-source-6.1 | 6.1.192-2',
    'linux-source-6.1 | 6.1.192-3',
    'linux-source-6.1 | 6.1.176-1',
  );
  assert.equal(latestTwo(offered), [
    { package: 'linux-source-6.1', version: '6.1.176-1' },
    { package: 'linux-source-6.1', version: '6.1.192-3' },
  ]);
});

test('revisions of one release are no two releases: then it is an older kernel, or none', () => {
  const revisions = madison('linux-source-6.12 | 6.12.5-1', 'linux-source-6.12 | 6.12.5-2');
  assert.is(latestTwo(revisions), undefined);
  assert.is(latestTwo(''), undefined);
  const older = madison('linux-source-6.1 | 6.1.9-1', 'linux-source-6.1 | 6.1.8-1');
  assert.is(latestTwo(revisions + older)?.[1].version, '6.1.9-1');
});

test.run();
