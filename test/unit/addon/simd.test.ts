// The addon under each instruction set, in child processes: the choice is made once per process.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Simd } from '../../../src/addon/native.ts';
import { run } from '../../support/process.ts';

const GOLDEN_CUTS = fileURLToPath(new URL('golden-cuts.ts', import.meta.url));
const SETS: readonly Simd[] = ['portable', 'avx2', 'avx512', 'neon'];
/** CRC32C of the input with seed 9, by the bitwise definition. */
const EXPECTED_CRC = 1325585181;

const runUnder = (simd: string) =>
  run(process.execPath, ['--import', 'tsx', GOLDEN_CUTS], { environment: { ...process.env, PFS_SIMD: simd } });

function isAvailable(simd: Simd): boolean {
  const flags = new Set(readFileSync('/proc/cpuinfo', 'utf8').split(/\s+/));
  if (simd === 'avx512') return ['avx2', 'avx512f', 'avx512bw'].every((flag) => flags.has(flag));
  return simd === 'portable' || (simd === 'avx2' && flags.has('avx2'));
}

const test = suite('simd');

for (const simd of SETS) {
  test(`PFS_SIMD=${simd} gives the golden cuts, or says that it is not available`, async () => {
    const result = await runUnder(simd);
    if (!isAvailable(simd)) {
      assert.is.not(result.code, 0);
      assert.match(result.stderr, new RegExp(`PFS_SIMD=${simd} is not available here`));
      return;
    }
    assert.is(result.code, 0, result.stderr);
    const found = JSON.parse(result.stdout);
    assert.is(found.simd, simd);
    assert.ok(found.vectors > 10);
    assert.is(found.different, 0);
    assert.is(found.crc, EXPECTED_CRC);
    assert.ok(found.zeroes);
  });
}

test('an unknown PFS_SIMD is refused at load, naming the known ones', async () => {
  const result = await runUnder('sse9');
  assert.is.not(result.code, 0);
  assert.match(result.stderr, /PFS_SIMD=sse9 is none of portable, avx2, avx512, neon/);
});

test.run();
