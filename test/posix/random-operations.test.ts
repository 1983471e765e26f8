// The random-operation checker on the filesystem of the temporary directory: what a real filesystem passes is what is
// asked of a mount; and what is changed behind its back it finds.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildChecker, expectNoMismatch, runChecker, seedOfRun } from '../support/random-operations.ts';

const directory = mkdtempSync(join(tmpdir(), 'random-operations-'));
const seed = seedOfRun();
const test = suite('random operations on this filesystem');

test('the checker builds', buildChecker);

for (const kind of ['content', 'tree'] as const) {
  test(`random operations do what the model of a ${kind} says`, async () => {
    await expectNoMismatch(directory, { kind, seed, operations: 3_000 });
  });
}

test('a byte that changes behind its back is found, with the seed, the operation and the command to repeat it', async () => {
  const fault = `for file in ${directory}/content-1/*; do printf '\\377\\0\\377' | dd of=$file conv=notrunc status=none; done`;
  const result = await runChecker(directory, {
    kind: 'content',
    seed: 1,
    operations: 2_000,
    remount: { command: fault, every: 500 },
  });
  assert.is(result.code, 1);
  assert.match(result.stderr, /MISMATCH at operation 500, seed 1: /);
  assert.match(result.stderr, /again: .* --seed 1 /);
});

test('a name that appears behind its back is found', async () => {
  const result = await runChecker(directory, {
    kind: 'tree',
    seed: 2,
    operations: 500,
    kill: { command: `touch ${directory}/tree-2/stranger`, every: 100 },
  });
  assert.is(result.code, 1);
  assert.match(result.stderr, /stranger should not be there/);
});

test.run();
