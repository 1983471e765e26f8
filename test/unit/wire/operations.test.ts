// Operation batches: encoding and decoding are inverse; what is malformed is a result, never an exception or a batch.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_ENCODED_BYTES_MAX } from '../../../src/base/limits.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';
import { signedOf, toWire, unsignedOf } from '../../../src/wire/long.ts';
import { decodeBatch, encodeBatch, type Operation, type OperationBatch } from '../../../src/wire/operations.ts';
import { asText } from '../../support/as-text.ts';

const test = suite('operation batches');

/** Plain objects, which compare equal to what a decoder makes. */
const record = <Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<Shape> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<Shape>;

const seed = process.env['PFS_SEED'];
const parameters = { numRuns: 300, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const nodes = [1, 2, 3].map((fill) => ({ node: new Uint8Array(32).fill(fill), epoch: fill }));
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const id = record({ source: fc.constantFrom(0, 2, 3), counter: fc.integer({ min: 1, max: 2 ** 36 - 1 }) });
const parent = fc.oneof(id, fc.constant({ source: 1, counter: 1 }));
const name = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f) && bytes[0] !== 0x2e);
const extended = fc.array(
  record({
    name,
    value: fc.uint8Array({ maxLength: 20 }),
    removed: fc.boolean(),
  }),
  { maxLength: 3 },
);
const time = fc.bigInt(-(1n << 63n), (1n << 63n) - 1n);
const attributes = fc.record(
  { uid: fc.nat(), gid: fc.nat(), modified: time, extended },
  { requiredKeys: ['extended'], noNullPrototype: true },
);
const content = fc.option(
  record({ position: fc.nat(1000), length: fc.bigInt(1n, 1000n), check: fc.bigInt(0n, (1n << 64n) - 1n) }).map(
    ({ position, length, check }) => ({ size: length, runs: [{ source: 0, position, length }], checks: [check] }),
  ),
  { nil: undefined },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  record({ kind: fc.constant('create' as const), inode: id, parent, name, attributes, content, device: fc.nat() }).map(
    (create) => ({ ...create, target: undefined, attributes: { ...create.attributes, mode: 0o100644 } }),
  ),
  record({ kind: fc.constant('update' as const), inode: parent, attributes, content }),
  record({ kind: fc.constantFrom('link' as const, 'unlink' as const), inode: id, parent, name }),
  record({
    kind: fc.constant('rename' as const),
    inode: id,
    oldParent: parent,
    oldName: name,
    newParent: parent,
    newName: name,
  }),
);
const batch: fc.Arbitrary<OperationBatch> = record({
  logs: fc.constant(nodes),
  firstSequence: fc.bigInt(1n, (1n << 62n) - 1n),
  clock: fc.bigInt(0n, (1n << 64n) - 1n),
  dependencies: fc.array(record({ source: fc.constantFrom(2, 3), sequence: fc.bigInt(1n, 1n << 60n) }), {
    maxLength: 2,
  }),
  operations: fc.array(operation, { minLength: 1, maxLength: 10 }),
});

test('a batch decodes to what was encoded', async () => {
  await fc.assert(
    fc.property(batch, (original) => {
      const decoded = decodeBatch(encodeBatch(original));
      if (!decoded.ok) throw new Error(decoded.reason);
      assert.is(asText(decoded.batch), asText(original));
    }),
    parameters,
  );
});

test('64-bit values cross the edge unchanged', async () => {
  await fc.assert(
    fc.property(fc.bigInt(0n, (1n << 64n) - 1n), time, (unsigned, signed) => {
      assert.is(unsignedOf(toWire(unsigned)), unsigned);
      assert.is(signedOf(toWire(signed)), signed);
    }),
    parameters,
  );
});

test('damaged bytes never throw', async () => {
  await fc.assert(
    fc.property(
      batch,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (original, damage) => {
        const bytes = encodeBatch(original);
        for (const [at, value] of damage) bytes[at % bytes.length] = value;
        const decoded = decodeBatch(bytes.subarray(0, bytes.length - ((damage[0]?.[0] ?? 0) % 3)));
        assert.type(decoded.ok, 'boolean');
      },
    ),
    parameters,
  );
  for (const noise of fc.sample(fc.uint8Array({ maxLength: 200 }), 300)) assert.type(decodeBatch(noise).ok, 'boolean');
});

type Wire = packetfs.OperationBatch.$Properties;

const link = (change: packetfs.LinkOperation.$Properties): Wire => ({
  operations: [
    {
      link: {
        inode: { counterDelta: toWire(5n) },
        parent: { source: 1, counterDelta: toWire(1n) },
        name: bytesOf('a'),
        ...change,
      },
    },
  ],
});
const create = (change: packetfs.CreateOperation.$Properties): Wire => ({
  operations: [
    {
      create: {
        inode: { counterDelta: toWire(5n) },
        parent: { source: 1, counterDelta: toWire(1n) },
        name: bytesOf('a'),
        attributes: { mode: 0o100644 },
        ...change,
      },
    },
  ],
});
const MALFORMED: readonly (readonly [string, Wire])[] = [
  ['no operation', { operations: [] }],
  ['no log', { logs: [] }],
  ['a short node key', { logs: [{ node: new Uint8Array(31), epoch: 1 }] }],
  ['epoch 0', { logs: [{ node: new Uint8Array(32), epoch: 0 }] }],
  [
    'a log twice',
    {
      logs: [
        { node: new Uint8Array(32), epoch: 1 },
        { node: new Uint8Array(32), epoch: 1 },
      ],
    },
  ],
  ['sequence 0', { firstSequence: toWire(0n) }],
  ['a dependency on itself', { dependencies: [{ source: 0, sequence: toWire(1n) }] }],
  ['an operation of no kind', { operations: [{}] }],
  ['a name with a slash', link({ name: bytesOf('a/b') })],
  ['the name ..', link({ name: bytesOf('..') })],
  ['an empty name', link({ name: bytesOf('') })],
  ['a name with a zero byte', link({ name: bytesOf('a\0b') })],
  ['a created name that is empty', create({ name: bytesOf('') })],
  ['the created name .', create({ name: bytesOf('.') })],
  ['a target with a zero byte', create({ attributes: { mode: 0o120777 }, linkTarget: bytesOf('a\0b') })],
  [
    'an extended attribute name with a zero byte',
    create({ attributes: { mode: 0o100644, extended: [{ name: bytesOf('user.a\0b') }] } }),
  ],
  ['a name of 256 bytes', link({ name: bytesOf('n'.repeat(256)) })],
  ['a link of the root', link({ inode: { source: 1, counterDelta: toWire(1n) } })],
  ['a second inode of the volume', link({ parent: { source: 1, counterDelta: toWire(2n) } })],
  ['an unknown source', link({ inode: { source: 2, counterDelta: toWire(1n) } })],
  ['counter 0', link({ inode: { counterDelta: toWire(0n) } })],
  ['a negative counter', link({ inode: { counterDelta: toWire(-1n) } })],
  [
    'a type that is none',
    {
      operations: [
        {
          create: {
            inode: { counterDelta: toWire(1n) },
            parent: { source: 1, counterDelta: toWire(1n) },
            name: bytesOf('a'),
            attributes: { mode: 0o644 },
          },
        },
      ],
    },
  ],
  [
    'a content without runs',
    { operations: [{ update: { inode: { counterDelta: toWire(1n) }, content: { size: toWire(1n) } } }] },
  ],
  [
    'a content without check',
    {
      operations: [
        {
          update: {
            inode: { counterDelta: toWire(1n) },
            content: { size: toWire(1n), runs: { positionDelta: [toWire(0n)] } },
          },
        },
      ],
    },
  ],
];

test('a batch beyond the bound is refused before it is decoded', () => {
  const decoded = decodeBatch(new Uint8Array(BATCH_ENCODED_BYTES_MAX + 1));
  assert.is(decoded.ok ? 'a batch' : decoded.reason, 'a batch is too large');
});

test('every malformed field is refused', () => {
  const valid: Wire = {
    logs: [{ node: new Uint8Array(32), epoch: 1 }],
    firstSequence: toWire(1n),
    clock: toWire(1n),
    ...link({}),
  };
  assert.ok(decodeBatch(packetfs.OperationBatch.encode(valid).finish()).ok);
  for (const [what, change] of MALFORMED) {
    assert.not.ok(decodeBatch(packetfs.OperationBatch.encode({ ...valid, ...change }).finish()).ok, what);
  }
});

test.run();
