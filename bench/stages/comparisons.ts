// What the bench of the stages printed, beside what bounds each.

export interface Measured {
  readonly simd: string;
  readonly values: ReadonlyMap<string, number>;
}

export interface Comparison {
  readonly stage: string;
  readonly value: number;
  readonly unit: 'GB/s' | 'M/s' | 'bytes' | 's';
  /** Of the bound that `of` names. */
  readonly share?: number;
  readonly of?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const CUT_SHARES: Readonly<Record<string, number>> = { avx512: 0.55, avx2: 0.5, portable: 0.1 };
/** By the name that the program prints: which limit bounds the stage, and the share that it must reach. */
const BOUNDS: Readonly<Record<string, { readonly of: string; readonly atLeast?: number }>> = {
  'cut-and-hash': { of: 'read', atLeast: 0.18 },
  crc32c: { of: 'read' },
  'is-zero': { of: 'read' },
  ingest: { of: 'hash' },
  'ingest-known': { of: 'read', atLeast: 0.45 },
  'gather-16k': { of: 'copy', atLeast: 0.5 },
  'gather-1m': { of: 'copy', atLeast: 0.65 },
};

const NO_BOUND = { of: '', atLeast: undefined };

export function parseMeasured(output: string): Measured {
  const pairs = output
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const simd = pairs.find(([name]) => name === 'simd')?.[1];
  if (simd === undefined) throw new Error(`the bench of the stages did not say what it measured: ${output}`);
  const values = pairs.filter(([name]) => name !== 'simd').map(([name = '', value]) => [name, Number(value)] as const);
  return { simd, values: new Map(values) };
}

export function comparisonsOf({ simd, values }: Measured): Comparison[] {
  return [...values].map(([name, measured]): Comparison => {
    const stage = `${name}, ${simd}`;
    if (name === 'index-bytes-per-entry') return { stage, value: measured, unit: 'bytes', atMost: 14 };
    if (name === 'index-lookups') return { stage, value: measured / 1e6, unit: 'M/s', atLeast: 15 };
    if (name.startsWith('restart-seconds')) return { stage, value: measured, unit: 's', atMost: 10 };
    if (name.startsWith('restart')) return { stage, value: measured, unit: 'bytes' };
    if (name === 'index-inserts') return { stage, value: measured / 1e6, unit: 'M/s' };
    const { of, atLeast } = name === 'cut' ? { of: 'read', atLeast: CUT_SHARES[simd] } : (BOUNDS[name] ?? NO_BOUND);
    const limit = values.get(of);
    const value = measured / 1e9;
    if (limit === undefined) return { stage, value, unit: 'GB/s' };
    return { stage, value, unit: 'GB/s', share: measured / limit, of, ...(atLeast === undefined ? {} : { atLeast }) };
  });
}

export const isMissed = ({
  value,
  share = value,
  atLeast = 0,
  atMost = Number.POSITIVE_INFINITY,
}: Comparison): boolean => share < atLeast || value > atMost;
