// `make bench-stages`: each stage of ingest and reading as a share of what bounds it on this machine, measured beside it
// (stages.cc), cutting and checksums for every instruction set (BLAKE3 takes the best of its own). `--quick` only shows that it runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../../test/support/process.ts';
import { writeResult } from '../arguments.ts';
import { markdownTable } from '../markdown-table.ts';
import { type Comparison, comparisonsOf, isMissed, type Measured, parseMeasured } from './comparisons.ts';

const SETS = ['avx512', 'avx2', 'portable'];
const FULL = { megabytes: 1024, seconds: 2, entries: 100_000_000 };
const QUICK = { megabytes: 16, seconds: 0.02, entries: 100_000 };
const PROGRAMS = 'native/build/bench';
const LIMIT_MS = 1_200_000;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    output: { type: 'string', default: '' },
  },
});

/** Undefined where the CPU has no such instructions. */
async function measure(simd: string, parameters: readonly number[]): Promise<Measured | undefined> {
  const output = await outputOf('stages', parameters, { ...process.env, PFS_SIMD: simd });
  return output === undefined ? undefined : parseMeasured(output);
}

async function outputOf(
  program: string,
  parameters: readonly number[],
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-stages-'));
  try {
    const { code, stdout, stderr } = await run(join(PROGRAMS, program), [directory, ...parameters.map(String)], {
      limitMs: LIMIT_MS,
      environment,
    });
    if (code === 0) return stdout;
    if (stderr.includes('is not available here')) return undefined;
    throw new Error(`${program} ended with ${code}: ${stderr}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const lineOf = (comparison: Comparison): string[] => {
  const { stage, value, unit, share, of, atLeast, atMost } = comparison;
  return [
    stage,
    `${value.toFixed(2)} ${unit}`,
    share === undefined ? '' : `${share.toFixed(2)} of ${of}`,
    `${atLeast === undefined ? '' : `≥ ${atLeast}`}${atMost === undefined ? '' : `≤ ${atMost}`}`,
    isMissed(comparison) ? 'missed' : '',
  ];
};

const { megabytes, seconds, entries } = values.quick ? QUICK : FULL;
const measured: Measured[] = [];
for (const simd of SETS) {
  const one = await measure(simd, [megabytes, seconds, measured.length === 0 ? entries : 0]);
  if (one !== undefined) measured.push(one);
}
const restart = await outputOf('restart', [entries], process.env);
if (restart !== undefined) measured.push(parseMeasured(`simd all\n${restart}`));
const comparisons = measured.flatMap(comparisonsOf);
process.stdout.write(markdownTable(['stage', 'here', 'share', 'asked for', ''], comparisons.map(lineOf), 1));
writeResult(values.output, 'stages', { date: new Date().toISOString(), comparisons });
