// `make bench-stages`, quickly: every stage is measured with every instruction set of the machine and set beside its
// bound; the index takes no more memory for an entry than it may.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Comparison, comparisonsOf, isMissed, parseMeasured } from '../../bench/stages/comparisons.ts';
import { ROOT } from '../support/built-commands.ts';
import { runChecked } from '../support/process.ts';

const BUILD_LIMIT_MS = 900_000;
const test = suite('the bench of the stages');

test('it measures every stage beside its bound', async () => {
  await runChecked('make', ['-j2', '-C', join(ROOT, 'native'), 'bench'], { limitMs: BUILD_LIMIT_MS });
  const output = mkdtempSync(join(tmpdir(), 'stages-'));
  const bench = join(ROOT, 'dist/bench/stages/bench-stages.js');
  await runChecked(process.execPath, [bench, '--quick', '--output', output], { directory: ROOT });
  const { comparisons } = JSON.parse(readFileSync(join(output, 'stages.json'), 'utf8')) as {
    readonly comparisons: readonly Comparison[];
  };
  assert.ok(comparisons.every(({ value }) => value > 0));
  const ofPortable = comparisons.filter(({ stage }) => stage.endsWith(', portable')).map(({ stage }) => stage);
  for (const stage of ['cut', 'crc32c', 'is-zero']) assert.ok(ofPortable.includes(`${stage}, portable`));
  const bounded = comparisons.filter(({ share }) => share !== undefined).map(({ stage }) => stage.split(',')[0]);
  for (const stage of ['cut', 'cut-and-hash', 'ingest', 'ingest-known', 'gather-16k', 'gather-1m']) {
    assert.ok(bounded.includes(stage), stage);
  }
  const perEntry = comparisons.find(({ stage }) => stage.startsWith('index-bytes-per-entry'));
  assert.ok(perEntry !== undefined && perEntry.value < 17, `${perEntry?.value} bytes an entry of a small index`);
});

test('a share is of the bound that was measured beside it', () => {
  const measured = parseMeasured('simd avx2\nread 10e9\ncut 6e9\nindex-lookups 20e6\nindex-bytes-per-entry 13.9\n');
  const [read, cut, lookups, memory] = comparisonsOf(measured);
  assert.equal(read, { stage: 'read, avx2', value: 10, unit: 'GB/s' });
  assert.equal(cut, { stage: 'cut, avx2', value: 6, unit: 'GB/s', share: 0.6, of: 'read', atLeast: 0.5 });
  assert.equal(lookups, { stage: 'index-lookups, avx2', value: 20, unit: 'M/s', atLeast: 15 });
  assert.equal(
    [read, cut, lookups, memory].map((one) => one && isMissed(one)),
    [false, false, false, false],
  );
  const missed = comparisonsOf(parseMeasured('simd avx2\nread 10e9\ncut 4e9\nrestart-seconds 11\n')).map(isMissed);
  assert.equal(missed, [false, true, true]);
  assert.equal(memory, { stage: 'index-bytes-per-entry, avx2', value: 13.9, unit: 'bytes', atMost: 14 });
});

test.run();
