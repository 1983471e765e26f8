// The reference chunker of `make bench-dedup`: it cuts where the paper's algorithm does, as often as it should, and finds
// the same cuts again behind a change.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AVERAGE_BYTES,
  averageOf,
  boundsWith,
  FastCdc,
  FREQUENT_BITS,
  FREQUENT_MASK,
  RARE_BITS,
  RARE_MASK,
  SAME_AVERAGE,
} from '../../../bench/dedup/fastcdc.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const MEBIBYTE = 2 ** 20;
const SEED = 7;
const HALF_BITS = 24n;
const WORD = 2n ** 64n - 1n;

const test = suite('FastCDC');
const runSeed = seedOfRun();
const random = seededRandom(runSeed);

/** Algorithm 1 of the paper word for word, with fingerprints of 64 bits, over the same table. */
function cutsOfPaper(bytes: Uint8Array, normal: number, seed: number): number[] {
  const numbers = seededRandom(seed);
  const halves = Array.from({ length: 512 }, () => BigInt(numbers.below(2 ** 24)));
  const table = Array.from(
    { length: 256 },
    (_, byte) => ((halves[byte] ?? 0n) << HALF_BITS) | (halves[256 + byte] ?? 0n),
  );
  const wide = ({ high, low }: { high: number; low: number }): bigint => (BigInt(high) << HALF_BITS) | BigInt(low);
  const { minimum, maximum } = boundsWith(normal);
  const cut = (start: number): number => {
    const size = Math.min(bytes.length - start, maximum);
    if (size <= minimum) return size;
    let fingerprint = 0n;
    for (let index = minimum; index < size; index++) {
      fingerprint = ((fingerprint << 1n) + (table[bytes[start + index] ?? 0] ?? 0n)) & WORD;
      const mask = index < Math.min(normal, size) ? RARE_MASK : FREQUENT_MASK;
      if ((fingerprint & wide(mask)) === 0n) return index;
    }
    return size;
  };
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; start = ends.at(-1) ?? 0) ends.push(start + cut(start));
  return ends;
}

const lengthsOf = (ends: readonly number[]): number[] => ends.map((end, index) => end - (ends[index - 1] ?? 0));

const bitsOf = (value: number): number => value.toString(2).replaceAll('0', '').length;

test('masks have the bits of level 2', () => {
  assert.is(bitsOf(RARE_MASK.high) + bitsOf(RARE_MASK.low), RARE_BITS);
  assert.is(bitsOf(FREQUENT_MASK.high) + bitsOf(FREQUENT_MASK.low), FREQUENT_BITS);
  assert.is(RARE_BITS - FREQUENT_BITS, 4);
  assert.is(2 ** ((RARE_BITS + FREQUENT_BITS) / 2), AVERAGE_BYTES);
});

test('it cuts where the algorithm of the paper cuts', () => {
  const bytes = random.bytes(MEBIBYTE);
  for (const normal of [SAME_AVERAGE.normal, AVERAGE_BYTES]) {
    const expected = cutsOfPaper(bytes, normal, SEED);
    assert.equal(new FastCdc(boundsWith(normal), SEED).cuts(bytes), expected);
  }
});

test('cuts depend on the bytes and the seed alone', () => {
  const bytes = random.bytes(MEBIBYTE);
  const cuts = new FastCdc(SAME_AVERAGE, SEED).cuts(bytes);
  assert.equal(new FastCdc(SAME_AVERAGE, SEED).cuts(bytes.slice()), cuts);
  assert.not.equal(new FastCdc(SAME_AVERAGE, SEED + 1).cuts(bytes), cuts);
});

test('chunks are back to back, and all but the last within the bounds', () => {
  for (const bytes of [random.bytes(MEBIBYTE), new Uint8Array(MEBIBYTE + 1)]) {
    const ends = new FastCdc(SAME_AVERAGE, SEED).cuts(bytes);
    assert.is(ends.at(-1), bytes.length);
    for (const length of lengthsOf(ends).slice(0, -1)) {
      assert.ok(length >= SAME_AVERAGE.minimum && length <= SAME_AVERAGE.maximum, `${length} bytes`);
    }
  }
});

test('bytes that are never a cut make chunks of the maximum, and few bytes one chunk', () => {
  const zeros = new FastCdc(SAME_AVERAGE, SEED).cuts(new Uint8Array(3 * SAME_AVERAGE.maximum));
  assert.equal(new Set(lengthsOf(zeros)), new Set([SAME_AVERAGE.maximum]));
  for (const length of [1, SAME_AVERAGE.minimum]) {
    assert.equal(new FastCdc(SAME_AVERAGE, SEED).cuts(random.bytes(length)), [length]);
  }
  assert.equal(new FastCdc(SAME_AVERAGE, SEED).cuts(new Uint8Array(0)), []);
});

test('chunks of random bytes are as long as was computed', () => {
  const bytes = random.bytes(32 * MEBIBYTE);
  assert.ok(Math.abs(averageOf(SAME_AVERAGE) - AVERAGE_BYTES) < 2);
  for (const parameters of [SAME_AVERAGE, boundsWith(AVERAGE_BYTES)]) {
    const average = bytes.length / new FastCdc(parameters, SEED).cuts(bytes).length;
    const expected = averageOf(parameters);
    assert.ok(Math.abs(average / expected - 1) < 0.03, `${average} where ${expected} is expected`);
  }
});

test('behind an insertion the same cuts are found again', () => {
  const bytes = random.bytes(4 * MEBIBYTE);
  const at = MEBIBYTE;
  const inserted = random.bytes(1 + random.below(1000));
  const changed = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
  const chunker = new FastCdc(SAME_AVERAGE, SEED);
  const before = new Set(chunker.cuts(bytes));
  const after = chunker.cuts(changed);
  const isKnown = (end: number): boolean => before.has(end <= at ? end : end - inserted.length);
  const lost = after.filter((end) => !isKnown(end));
  assert.ok(lost.length <= 12, `${lost.length} of ${after.length} cuts are new`);
  assert.ok(after.filter((end) => end > 2 * at).every(isKnown));
  assert.ok(after.filter((end) => end <= at - SAME_AVERAGE.maximum).every(isKnown));
});

test.run();
