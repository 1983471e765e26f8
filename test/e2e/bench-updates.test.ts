// The bench of small changes runs: each kind arrives, and is written down with its time.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../support/built-commands.ts';
import { runChecked } from '../support/process.ts';

interface Results {
  readonly results: readonly { readonly profile: string; readonly milliseconds: readonly number[] }[];
}

const test = suite('bench-updates');

test('on one link, once', async () => {
  const output = mkdtempSync(join(tmpdir(), 'updates-'));
  const program = join(ROOT, 'dist/bench/updates/bench-updates.js');
  const table = await runChecked(
    process.execPath,
    [program, '--profiles', 'wan', '--rounds', '1', '--output', output],
    {
      limitMs: 120_000,
    },
  );
  for (const update of ['file made', 'changed', 'renamed']) assert.match(table, update);
  const { results } = JSON.parse(readFileSync(join(output, 'updates.json'), 'utf8')) as Results;
  assert.is(results.length, 3);
  // The link alone takes half of its round trip.
  for (const { milliseconds } of results) assert.ok((milliseconds[0] ?? 0) >= 25, `${milliseconds[0]} ms`);
});

test.run();
