// Runs: columns and back, with cursors shared by the files of a batch; malformed columns are refused.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SEGMENT_BYTES } from '../../../src/base/units.ts';
import { checkGroups, decodeRuns, encodeRuns, type Run, SOURCE_HOLE } from '../../../src/extent/runs.ts';

const test = suite('extent runs');

/** Plain objects, which compare equal to what a decoder makes. */
const record = <Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<Shape> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<Shape>;

const seed = process.env['PFS_SEED'];
const parameters = { numRuns: 500, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const run: fc.Arbitrary<Run> = fc.oneof(
  record({ source: fc.constant(SOURCE_HOLE), position: fc.constant(0), length: fc.bigInt(1n, 1n << 60n) }),
  record({
    source: fc.constantFrom(0, 2, 3),
    segment: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    offset: fc.integer({ min: 0, max: SEGMENT_BYTES - 1 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }).map(({ source, segment, offset, share }) => ({
    source,
    position: segment * SEGMENT_BYTES + offset,
    length: BigInt(1 + Math.floor(share * (SEGMENT_BYTES - offset - 1))),
  })),
);
const files = fc.array(fc.array(run, { maxLength: 8 }), { maxLength: 5 });
const sizeOf = (runs: readonly Run[]): bigint => runs.reduce((sum, { length }) => sum + length, 0n);

test('what is encoded decodes to the same runs, file after file', async () => {
  await fc.assert(
    fc.property(files, (batch) => {
      const [writing, reading] = [new Map<number, number>(), new Map<number, number>()];
      for (const runs of batch) {
        assert.equal(decodeRuns(encodeRuns(runs, writing), sizeOf(runs), reading), runs);
      }
    }),
    parameters,
  );
});

test('columns that do not cover their size or leave a segment are refused', () => {
  const columns = (change: object) => ({ sources: [], positionDeltas: [0], lengths: [], ...change });
  const decode = (change: object, size: bigint) => decodeRuns(columns(change), size, new Map());
  assert.ok(decode({}, 5n));
  assert.is(decode({}, 0n), undefined);
  assert.is(decode({ positionDeltas: [] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [-1] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [2 ** 48] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [SEGMENT_BYTES - 4] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [0, 0] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [0, 0], lengths: [5n] }, 5n), undefined);
  assert.is(decode({ positionDeltas: [0, 0], lengths: [0n] }, 5n), undefined);
  assert.is(decode({ sources: [0, 0] }, 5n), undefined);
  assert.is(decode({ sources: [SOURCE_HOLE], positionDeltas: [1] }, 5n), undefined);
});

test('checks are for groups of 64 runs without the holes', () => {
  const stored: Run = { source: 0, position: 0, length: 1n };
  const runs = [...Array.from({ length: 70 }, () => stored), { source: SOURCE_HOLE, position: 0, length: 1n }];
  assert.equal(
    checkGroups(runs).map((group) => group.length),
    [64, 6],
  );
});

test.run();
