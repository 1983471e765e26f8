// `make bench-dedup`, quickly and without a network: the snapshots of a database are stored by a mounted node and by the
// references, so that the bench never rots.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Results } from '../../bench/dedup/results.ts';
import { ROOT } from '../support/built-commands.ts';
import { run, runChecked } from '../support/process.ts';

const BENCH = join(ROOT, 'dist/bench/dedup/bench-dedup.js');
const QUICK = ['--quick', '--families', 'database', '--subjects', 'packetfs;FastCDC'];
/** Chunks that a reference cut to be as long as others are so within this share. */
const EQUAL = 0.05;
const test = suite('bench-dedup');

test('a quick run counts what a mount and the references keep of two snapshots', async () => {
  const output = mkdtempSync(join(tmpdir(), 'dedup-'));
  const table = await runChecked(process.execPath, [BENCH, ...QUICK, '--output', output]);
  assert.is(readFileSync(join(output, 'dedup.md'), 'utf8'), table);
  const results = JSON.parse(readFileSync(join(output, 'dedup.json'), 'utf8')) as Results;
  const [family] = results.families;
  if (family === undefined) throw new Error('no family was measured');
  assert.equal([results.families.length, family.releases, family.files], [1, 2, 2]);
  assert.equal(Object.keys(family.stored), ['packetfs', 'FastCDC NC2', 'FastCDC, equal chunks']);
  const means = Object.values(family.stored).map(([one]) => {
    assert.ok(one !== undefined && one.uniqueBytes > family.rawBytes / 2 && one.uniqueBytes < family.rawBytes);
    return one.uniqueBytes / one.chunks;
  });
  const [own = 0, , equal = 0] = means;
  assert.ok(Math.abs(equal / own - 1) < EQUAL, `${own} and ${equal} bytes in a chunk`);
});

test('a family or a subject that there is none of is refused', async () => {
  for (const wrong of [
    ['--families', 'frobnicate'],
    ['--subjects', 'ntfs'],
    ['--rounds', '0'],
  ]) {
    const { code, stderr } = await run(process.execPath, [BENCH, ...QUICK, ...wrong]);
    assert.is(code, 1);
    assert.match(stderr, `"${wrong[1]}"`);
  }
});

test.run();
