// Every decoder of src/wire on mutated encodings: a result, never an exception; and what decodes is the same when it is
// encoded and decoded again, so nothing out of range came through.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { OPERATIONS_MESSAGE_BYTES_MAX } from '../../../src/base/limits.ts';
import { logPosition } from '../../../src/base/units.ts';
import { needsOfBatch, outlineOfBatch } from '../../../src/wire/batch-outline.ts';
import {
  type ControlMessage,
  decodeBlockHeader,
  decodeControl,
  decodeOperations,
  encodeBlockHeader,
  encodeControl,
  encodeOperations,
} from '../../../src/wire/messages.ts';
import { decodeBatch, encodeBatch, type OperationBatch } from '../../../src/wire/operations.ts';
import { asText } from '../../support/as-text.ts';
import { fuzz } from '../../support/mutations.ts';

const test = suite('mutated wire messages');

const node = new Uint8Array(32).fill(9);
const log = { index: 3, name: { node, epoch: 7 } };
const known = { index: 65535, name: undefined };
const ranges = [
  { start: logPosition(0), end: logPosition(10) },
  { start: logPosition(2 ** 47), end: logPosition(2 ** 48) },
];

const MESSAGES: readonly ControlMessage[] = [
  { kind: 'hello', versions: [1, 2], mode: 'send-only', recipes: true },
  { kind: 'members', entries: [Uint8Array.of(1, 2), new Uint8Array(0)] },
  {
    kind: 'positions',
    logs: [{ log, applied: 2n ** 63n, held: ranges }],
    confirmedLogs: 4,
    complete: true,
    seeded: true,
  },
  { kind: 'ask', id: 2 ** 40, log: known, ranges, reason: 'repair', blocksReceived: 2 ** 33 },
  { kind: 'ask-operations', id: 1, log, from: 12n },
  { kind: 'unavailable', ask: 5, ranges },
  {
    kind: 'recipe-answer',
    log,
    range: { start: logPosition(0), end: logPosition(99) },
    missing: [{ start: logPosition(7), end: logPosition(9) }],
  },
];

const attributes = { mode: 0o100644, uid: 1, gid: 2, modified: -5n, extended: [] };
const name = Buffer.from('name');
const BATCH: OperationBatch = {
  logs: [
    { node, epoch: 2 },
    { node: new Uint8Array(32).fill(1), epoch: 1 },
  ],
  firstSequence: 40n,
  clock: 2n ** 63n,
  dependencies: [{ source: 2, sequence: 9n }],
  operations: [
    {
      kind: 'create',
      inode: { source: 0, counter: 9 },
      parent: { source: 1, counter: 1 },
      name,
      attributes: { ...attributes, extended: [{ name, value: name, removed: false }] },
      device: 0,
      target: undefined,
      content: { size: 1000n, runs: [{ source: 0, position: 77, length: 1000n }], checks: [2n ** 64n - 1n] },
    },
    { kind: 'link', inode: { source: 2, counter: 9 }, parent: { source: 0, counter: 9 }, name },
    {
      kind: 'rename',
      inode: { source: 0, counter: 9 },
      oldParent: { source: 1, counter: 1 },
      oldName: name,
      newParent: { source: 1, counter: 1 },
      newName: Buffer.from('other'),
    },
  ],
};

test('control messages', () => {
  fuzz({
    samples: MESSAGES.map(encodeControl),
    rounds: 20_000,
    check: (bytes) => {
      const decoded = decodeControl(bytes);
      if (decoded.ok) assert.equal(decodeControl(encodeControl(decoded.value)), decoded);
      else assert.type(decoded.reason, 'string');
    },
  });
});

test('block headers', () => {
  const header = { log, start: logPosition(2 ** 47), end: logPosition(2 ** 47 + 4096), ask: 2 ** 50, recipe: false };
  fuzz({
    samples: [encodeBlockHeader(header), encodeBlockHeader({ ...header, log: known, ask: 0, recipe: true })],
    rounds: 20_000,
    check: (bytes) => {
      const decoded = decodeBlockHeader(bytes);
      if (decoded.ok) assert.equal(decodeBlockHeader(encodeBlockHeader(decoded.value)), decoded);
    },
  });
});

test('batches, their outlines and what they need', () => {
  fuzz({
    samples: [
      encodeBatch(BATCH),
      encodeBatch({ ...BATCH, dependencies: [], operations: BATCH.operations.slice(0, 1) }),
    ],
    rounds: 20_000,
    check: (bytes) => {
      const decoded = decodeBatch(bytes);
      const outline = outlineOfBatch(bytes);
      assert.is(needsOfBatch(bytes).ok, decoded.ok);
      if (!decoded.ok) return;
      const again = decodeBatch(encodeBatch(decoded.batch));
      assert.ok(again.ok && asText(again.batch) === asText(decoded.batch));
      // What can be applied can be queued, under the same numbers.
      assert.ok(outline.ok);
      assert.is(outline.ok && outline.value.firstSequence, decoded.batch.firstSequence);
      const last = decoded.batch.firstSequence + BigInt(decoded.batch.operations.length) - 1n;
      assert.is(outline.ok && outline.value.lastSequence, last);
    },
  });
});

test('operations messages, plain and compressed', () => {
  const many = Array.from({ length: 20 }, () => encodeBatch(BATCH));
  fuzz({
    samples: [encodeOperations([encodeBatch(BATCH)], native), encodeOperations(many, native)],
    rounds: 5000,
    check: (bytes) => {
      const decoded = decodeOperations(bytes, native);
      if (!decoded.ok) return;
      assert.ok(decoded.value.length > 0);
      assert.ok(decoded.value.reduce((sum, { length }) => sum + length, 0) <= OPERATIONS_MESSAGE_BYTES_MAX);
    },
  });
});

test.run();
