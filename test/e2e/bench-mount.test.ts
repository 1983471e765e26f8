// `make bench-mount` on tiny inputs: every row is measured on every subject, so that the bench never rots.
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Results } from '../../bench/mount/results.ts';
import { run, runChecked } from '../support/process.ts';

const BENCH = fileURLToPath(new URL('../../dist/bench/mount/bench-mount.js', import.meta.url));
const LIMIT_MS = 300_000;

const test = suite('bench-mount');

test('a quick run measures every row on every subject and writes a table and a plot', async () => {
  const output = join(tmpdir(), 'results');
  const table = await runChecked(process.execPath, [BENCH, '--quick', '--output', output], { limitMs: LIMIT_MS });
  const results = JSON.parse(readFileSync(join(output, 'mount.json'), 'utf8')) as Results;
  assert.ok(results.rows.length > 50);
  for (const { name, subjects } of results.rows) {
    assert.equal(Object.keys(subjects).sort(), ['disk', 'packetfs', 'passthrough_ll'], name);
    for (const { rounds, median } of Object.values(subjects)) {
      assert.is(rounds.length, results.rounds);
      assert.ok(Number.isFinite(median) && median > 0, name);
    }
    assert.match(table, name);
  }
  assert.match(readFileSync(join(output, 'mount.svg'), 'utf8'), /^<svg .*<\/svg>\n$/s);
});

test('a row or a subject that there is none of is refused', async () => {
  for (const wrong of [
    ['--rows', 'frobnicate'],
    ['--subjects', 'ntfs'],
    ['--rounds', '0'],
    ['--warm-ups', 'many'],
  ]) {
    const { code, stderr } = await run(process.execPath, [BENCH, '--quick', ...wrong]);
    assert.is(code, 1);
    assert.match(stderr, wrong[1] ?? '');
  }
});

test.run();
