// Extent lists against a model: an array with one address per byte.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blobAddress, HOLE, SEGMENT_BYTES } from '../../../src/base/units.ts';
import { type Extent, extentEnd } from '../../../src/extent/extent.ts';
import {
  allocatedBytes,
  coalesce,
  equalExtents,
  locate,
  normalise,
  slice,
  splice,
  truncate,
} from '../../../src/extent/list.ts';
import { fromNative, toNative, toNativeRuns } from '../../../src/extent/native.ts';

const test = suite('extent lists');

const seed = process.env['PFS_SEED'];
const parameters = { numRuns: 500, ...(seed === undefined ? {} : { seed: Number(seed) }) };
const SIZE = 64;

const piece = fc.record({
  length: fc.integer({ min: 1, max: 9 }),
  gap: fc.integer({ min: 0, max: 3 }),
  address: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
});

/** Sorted lists within SIZE, with gaps, holes and neighbours that continue each other. */
const lists = fc.array(piece, { maxLength: 12 }).map((pieces) => {
  const extents: Extent[] = [];
  let offset = 0;
  for (const { length, gap, address } of pieces) {
    offset += gap;
    if (offset + length > SIZE) break;
    const from = address === undefined ? HOLE : blobAddress(BigInt(address + SEGMENT_BYTES - 100));
    extents.push({ offset: BigInt(offset), length: BigInt(length), address: from });
    offset += length;
  }
  return extents;
});
const ranges = fc
  .tuple(fc.integer({ min: 0, max: SIZE }), fc.integer({ min: 0, max: SIZE }))
  .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) }));

type Model = (bigint | undefined)[];

function modelOf(extents: readonly Extent[]): Model {
  const model: Model = Array.from({ length: SIZE }, () => undefined);
  for (const extent of extents) {
    for (let byte = extent.offset; byte < extentEnd(extent); byte++) {
      model[Number(byte)] = extent.address === HOLE ? HOLE : extent.address + byte - extent.offset;
    }
  }
  return model;
}

const withHoles = (model: Model): Model => model.map((address) => address ?? HOLE);

function wellFormed(extents: readonly Extent[]): void {
  for (const [index, extent] of extents.entries()) {
    assert.ok(extent.length > 0n);
    const next = extents[index + 1];
    if (next !== undefined) assert.ok(extentEnd(extent) <= next.offset, 'sorted, without overlap');
  }
}

test('splice replaces exactly its range', async () => {
  await fc.assert(
    fc.property(lists, lists, ranges, (extents, others, { start, end }) => {
      const replacement = slice(others, BigInt(start), BigInt(end - start));
      const result = splice(extents, BigInt(start), BigInt(end - start), replacement);
      wellFormed(result);
      const expected = modelOf(extents);
      modelOf(replacement)
        .slice(start, end)
        .forEach((address, index) => {
          expected[start + index] = address;
        });
      assert.equal(modelOf(result), expected);
    }),
    parameters,
  );
});

test('slice, truncate and normalise keep the bytes in range and no other', async () => {
  await fc.assert(
    fc.property(lists, ranges, (extents, { start, end }) => {
      const model = modelOf(extents);
      const part = modelOf(slice(extents, BigInt(start), BigInt(end - start)));
      assert.equal(
        part,
        model.map((address, index) => (index >= start && index < end ? address : undefined)),
      );
      const cut = modelOf(truncate(extents, BigInt(end)));
      assert.equal(
        cut,
        model.map((address, index) => (index < end ? address : undefined)),
      );
      const whole = normalise(extents, BigInt(end));
      wellFormed(whole);
      assert.equal(modelOf(whole).slice(0, end), withHoles(model).slice(0, end));
      assert.is(
        whole.reduce((sum, extent) => sum + extent.length, 0n),
        BigInt(end),
      );
    }),
    parameters,
  );
});

test('coalesce joins what continues within a segment, changes no byte, and is done after once', async () => {
  await fc.assert(
    fc.property(lists, (extents) => {
      const joined = coalesce(extents);
      assert.equal(modelOf(joined), modelOf(extents));
      assert.ok(equalExtents(coalesce(joined), joined));
      for (const { address, length } of joined) {
        if (
          address !== HOLE &&
          !extents.some(
            (one) => one.address / BigInt(SEGMENT_BYTES) !== (one.address + one.length - 1n) / BigInt(SEGMENT_BYTES),
          )
        ) {
          assert.is(address / BigInt(SEGMENT_BYTES), (address + length - 1n) / BigInt(SEGMENT_BYTES));
        }
      }
      assert.is(
        allocatedBytes(joined),
        BigInt(modelOf(extents).filter((one) => one !== undefined && one !== HOLE).length),
      );
    }),
    parameters,
  );
});

test('locate finds the first extent that ends after an offset', async () => {
  await fc.assert(
    fc.property(lists, ranges, (extents, { start }) => {
      const expected = extents.findIndex((extent) => extentEnd(extent) > BigInt(start));
      assert.is(locate(extents, BigInt(start)), expected < 0 ? extents.length : expected);
    }),
    parameters,
  );
});

test('native triples and runs are the same list', async () => {
  await fc.assert(
    fc.property(lists, (extents) => {
      assert.equal(fromNative(toNative(extents)), extents);
      assert.is(toNativeRuns(extents).length, 2 * extents.filter(({ address }) => address !== HOLE).length);
    }),
    parameters,
  );
});

test.run();
