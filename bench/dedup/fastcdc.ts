// FastCDC with normalized chunking of level 2 as a reference: Xia et al., "FastCDC: a Fast and Efficient Content-Defined
// Chunking Approach for Data Deduplication" (USENIX ATC 2016), Algorithm 1. No chunk but the last is shorter than a quarter
// of the average, none longer than four averages. Only its cuts matter here, not its speed.
import { seededRandom } from '../../test/support/seeded-random.ts';

export interface FastCdcParameters {
  readonly minimum: number;
  /** Before it a cut is four times as rare as the average says, behind it four times as frequent. */
  readonly normal: number;
  readonly maximum: number;
}

/** Halves of 24 bits: the masks look at the low 48 bits of the fingerprint, and no other bit ever moves into these. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

const HALF_BITS = 24;
const HALF = 2 ** HALF_BITS - 1;
const BYTE_VALUES = 256;
/** log2 of 16 KiB, and two bits more or less: that is level 2. */
const AVERAGE_BITS = 14;
const LEVEL = 2;
export const RARE_BITS = AVERAGE_BITS + LEVEL;
export const FREQUENT_BITS = AVERAGE_BITS - LEVEL;
/** As many bits, spread over 48 as the paper does it for 8 KiB (0x0000d90303530000), so that 48 bytes decide. */
export const RARE_MASK: Halves = { high: 0xd90303, low: 0x537000 };
export const FREQUENT_MASK: Halves = { high: 0xd90103, low: 0x530000 };

/** The average that all of this file is made for. */
export const AVERAGE_BYTES = 2 ** AVERAGE_BITS;
const BOUND_FACTOR = 4;

/**
 * The normal size with which chunks of random bytes have the average that was asked for. With the average itself as the
 * normal size, as the paper has it, they have 18.3 KiB: a chunk that gets past it has 4 KiB more on average.
 */
export const SAME_AVERAGE: FastCdcParameters = boundsWith(normalFor(AVERAGE_BYTES));

/** A table of 256 random numbers, which a seed decides. */
export class FastCdc {
  readonly #parameters: FastCdcParameters;
  readonly #high: Int32Array;
  readonly #low: Int32Array;

  constructor(parameters: FastCdcParameters, seed: number) {
    const random = seededRandom(seed);
    const half = (): number => random.below(HALF + 1);
    this.#parameters = parameters;
    this.#high = Int32Array.from({ length: BYTE_VALUES }, half);
    this.#low = Int32Array.from({ length: BYTE_VALUES }, half);
  }

  /** Where the chunk ends that begins at `start`; the bytes end where the file does. */
  nextCut(bytes: Uint8Array, start: number): number {
    const { minimum, normal, maximum } = this.#parameters;
    const left = bytes.length - start;
    if (left <= minimum) return bytes.length;
    const end = start + Math.min(left, maximum);
    const turn = Math.min(start + normal, end);
    let high = 0;
    let low = 0;
    for (let position = start + minimum; position < end; position++) {
      const byte = bytes[position] ?? 0;
      const sum = low * 2 + (this.#low[byte] ?? 0);
      low = sum & HALF;
      high = (high * 2 + (this.#high[byte] ?? 0) + (sum >> HALF_BITS)) & HALF;
      const mask = position < turn ? RARE_MASK : FREQUENT_MASK;
      if ((high & mask.high) === 0 && (low & mask.low) === 0) return position;
    }
    return end;
  }

  /** Ends of all chunks of a file. */
  cuts(bytes: Uint8Array): number[] {
    const ends: number[] = [];
    for (let start = 0; start < bytes.length; start = ends.at(-1) ?? 0) ends.push(this.nextCut(bytes, start));
    return ends;
  }
}

/** Of chunks of random bytes: each position is a cut with a chance of its own, until the maximum. */
export function averageOf({ minimum, normal, maximum }: FastCdcParameters): number {
  const rare = 2 ** RARE_BITS;
  const frequent = 2 ** FREQUENT_BITS;
  const reachesNormal = (1 - 1 / rare) ** (normal - minimum);
  const reachesMaximum = (1 - 1 / frequent) ** (maximum - normal);
  return minimum + rare * (1 - reachesNormal) + reachesNormal * frequent * (1 - reachesMaximum);
}

/** Bounds of the paper around a normal size of one's own. */
export function boundsWith(normal: number): FastCdcParameters {
  return { minimum: AVERAGE_BYTES / BOUND_FACTOR, normal, maximum: AVERAGE_BYTES * BOUND_FACTOR };
}

/** The average grows with the normal size. */
function normalFor(average: number): number {
  let { minimum: below, normal: above } = boundsWith(average);
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (averageOf(boundsWith(middle)) < average) below = middle;
    else above = middle;
  }
  return above;
}
