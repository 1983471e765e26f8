// Throughput of the chunk kernels over memory, for one or every instruction set: cut, hash, checksum, zero test. Usage:
// kernels.ts [--bytes N] [--json]. Each instruction set runs in a child process, because it is chosen at load.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { native } from '../../src/addon/addon.ts';
import { MIB } from '../../src/base/units.ts';
import { makeInput } from '../../test/fixtures/chunking/input.ts';

const SETS = ['portable', 'avx2', 'avx512', 'neon'];
const CHUNKER = { minimum: 8192, maximum: 24576, multiplier: 0x9e3779b1, addend: 0x7f4a7c15 };
const MEASURE_MS = 300;

interface Measurement {
  readonly simd: string;
  readonly kernel: string;
  readonly megabytesPerSecond: number;
}

/** Repeats until MEASURE_MS have passed; the best round counts, the others were disturbed. */
function measure(bytes: number, round: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + MEASURE_MS;
  do {
    const start = performance.now();
    round();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return Math.round(bytes / best / 1000);
}

function measureAll(bytes: number): Measurement[] {
  const input = makeInput({ seed: 1, length: bytes, mask: 0xff });
  const zeros = new Uint8Array(bytes).fill(1).fill(0); // untouched memory would all be one page
  const key = new Uint8Array(32);
  const kernels: readonly (readonly [string, () => void])[] = [
    ['cutAll', () => native.cutAll(CHUNKER, input)],
    ['blake3Keyed', () => native.blake3Keyed(key, input)],
    ['crc32c', () => native.crc32c(input)],
    ['isZero', () => native.isZero(zeros)],
  ];
  const { simd } = native.capabilities();
  return kernels.map(([kernel, round]) => ({ simd, kernel, megabytesPerSecond: measure(bytes, round) }));
}

/** Undefined where the machine has no such instructions. */
function measureUnder(simd: string, bytes: number): Measurement[] | undefined {
  try {
    const self = fileURLToPath(import.meta.url);
    const output = execFileSync(
      process.execPath,
      ['--import', 'tsx', self, '--here', '--json', '--bytes', String(bytes)],
      { env: { ...process.env, PFS_SIMD: simd }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return JSON.parse(output);
  } catch (error) {
    if (String(error).includes('is not available here')) return undefined;
    throw error;
  }
}

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: String(64 * MIB) },
    json: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false }, // only what this process has chosen
  },
});
const bytes = Number(values.bytes);
const results = values.here ? measureAll(bytes) : SETS.flatMap((simd) => measureUnder(simd, bytes) ?? []);
if (values.json) console.log(JSON.stringify(results));
else console.table(results);
