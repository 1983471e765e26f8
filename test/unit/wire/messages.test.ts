// Messages between peers: what is encoded decodes to the same, and nothing malformed gets through or throws.
import { readFileSync } from 'node:fs';
import Long from 'long';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ASK_RANGES_MAX, CONTROL_MESSAGE_BYTES_MAX, LITERAL_RAW_BYTES_MAX } from '../../../src/base/limits.ts';
import { logPosition } from '../../../src/base/units.ts';
import { outlineOfBatch } from '../../../src/wire/batch-outline.ts';
import { packetfs } from '../../../src/wire/generated/packetfs.js';
import {
  type ControlMessage,
  decodeBlockHeader,
  decodeControl,
  decodeOperations,
  encodeBlockHeader,
  encodeControl,
  encodeOperations,
  type WireRange,
} from '../../../src/wire/messages.ts';
import { encodeBatch } from '../../../src/wire/operations.ts';
import { markCompression } from '../../simulation/support/cluster.ts';
import { SeededRandom } from '../../simulation/support/scheduler.ts';

const seed = Number(process.env['PFS_SEED'] ?? Math.floor(Math.random() * 1e9));
console.log(`PFS_SEED=${seed}`);

const node = new Uint8Array(32).fill(9);
const named = { index: 3, name: { node, epoch: 7 } };
const short = { index: 65535, name: undefined };
const range = (start: number, end: number): WireRange => ({ start: logPosition(start), end: logPosition(end) });
const ranges = [range(0, 10), range(20, 2 ** 30), range(2 ** 47, 2 ** 48)];

const MESSAGES: readonly ControlMessage[] = [
  { kind: 'hello', versions: [1, 2], mode: 'send-only', recipes: true },
  { kind: 'members', entries: [Uint8Array.of(1, 2), new Uint8Array(0)] },
  { kind: 'positions', logs: [], confirmedLogs: 0, complete: true, seeded: false },
  {
    kind: 'positions',
    logs: [
      { log: named, applied: 2n ** 63n + 5n, held: ranges },
      { log: short, applied: 0n, held: [] },
    ],
    confirmedLogs: 4,
    complete: false,
    seeded: true,
  },
  { kind: 'ask', id: 2 ** 40, log: named, ranges, reason: 'rejected', blocksReceived: 2 ** 33 },
  { kind: 'ask-operations', id: 1, log: short, from: 12n },
  { kind: 'unavailable', ask: 5, ranges: [] },
  { kind: 'recipe-answer', log: named, range: range(0, 2 ** 20), missing: [range(0, 10), range(20, 2 ** 20)] },
  { kind: 'recipe-answer', log: short, range: range(5, 6), missing: [] },
];

const control = suite('control messages');

control('what is encoded decodes to the same', () => {
  for (const message of MESSAGES) assert.equal(decodeControl(encodeControl(message)), { ok: true, value: message });
});

control('the worked example of docs/format/wire.md holds', () => {
  const key = new Uint8Array(32).fill(0xaa);
  const first = { index: 1, name: { node: key, epoch: 1 } };
  const known = { index: 1, name: undefined };
  const hex = (bytes: Uint8Array): string =>
    (Buffer.from(bytes).toString('hex').match(/../g) ?? []).join(' ').replace(/aa (aa )+aa/, 'aa…aa');
  const lines = [
    encodeControl({ kind: 'hello', versions: [1], mode: 'two-way', recipes: true }),
    encodeControl({
      kind: 'positions',
      logs: [{ log: first, applied: 5n, held: [range(0, 300)] }],
      confirmedLogs: 0,
      complete: true,
      seeded: false,
    }),
    encodeControl({ kind: 'ask', id: 1, log: known, ranges: [range(100, 120)], reason: 'missing', blocksReceived: 2 }),
    encodeBlockHeader({ log: known, ...range(0, 300), ask: 0, recipe: false }),
    encodeBlockHeader({ log: known, ...range(0, 300), ask: 0, recipe: true }),
    encodeControl({ kind: 'recipe-answer', log: known, range: range(0, 300), missing: [range(100, 120)] }),
  ].map(hex);
  const document = readFileSync(new URL('../../../docs/format/wire.md', import.meta.url), 'utf8');
  assert.ok(document.includes(`\n${lines.join('\n')}\n`), lines.join('\n'));
});

control('decoded messages own their bytes', () => {
  const bytes = encodeControl({ kind: 'members', entries: [Uint8Array.of(1, 2, 3)] });
  const decoded = decodeControl(bytes);
  bytes.fill(0);
  assert.ok(decoded.ok && decoded.value.kind === 'members');
  assert.equal(decoded.ok && decoded.value.kind === 'members' && decoded.value.entries[0], Uint8Array.of(1, 2, 3));
});

const refused = (message: packetfs.ControlMessage.$Properties): string => {
  const decoded = decodeControl(packetfs.ControlMessage.encode(message).finish());
  assert.not(decoded.ok, 'it is refused');
  return decoded.ok ? '' : decoded.reason;
};
const numbers = (...values: number[]): packetfs.PositionRanges.$Properties => ({
  gapAndLength: values.map((value) => Long.fromNumber(value, true)),
});
const log = { index: 1 };
const id = Long.fromNumber(1, true);

control('every rule refuses what breaks it', () => {
  assert.match(refused({}), /no known kind/);
  assert.match(refused({ hello: { versions: [], mode: 1 } }), /versions/);
  assert.match(refused({ hello: { versions: new Array(17).fill(1), mode: 1 } }), /versions/);
  assert.match(refused({ hello: { versions: [1], mode: 0 } }), /mode/);
  assert.match(refused({ hello: { versions: [1], mode: 9 as 1 } }), /mode/);
  assert.match(refused({ members: { entries: [new Uint8Array(5000)] } }), /short/);
  assert.match(refused({ members: { entries: new Array(300).fill(node) } }), /PEERS_MAX/);
  assert.match(refused({ positions: { logs: [{ log: { index: 0 } }] } }), /index/);
  assert.match(refused({ positions: { logs: [{}] } }), /index/);
  assert.match(refused({ positions: { logs: [{ log: { index: 70000 } }] } }), /index/);
  assert.match(
    refused({ positions: { logs: [{ log: { index: 1, name: { node: node.slice(1), epoch: 1 } } }] } }),
    /32/,
  );
  assert.match(refused({ positions: { logs: [{ log: { index: 1, name: { node, epoch: 0 } } }] } }), /epoch/);
  assert.match(refused({ positions: { logs: [{ log, held: numbers(1) }] } }), /pairs/);
  assert.match(refused({ positions: { logs: [{ log, held: numbers(1, 0) }] } }), /not empty/);
  assert.match(refused({ positions: { logs: [{ log, held: numbers(2 ** 48, 1) }] } }), /within its log/);
  assert.match(
    refused({ positions: { logs: [{ log, held: { gapAndLength: [Long.MAX_UNSIGNED_VALUE, Long.UONE] } }] } }),
    /safe/,
  );
  assert.match(refused({ positions: { confirmedLogs: 70000 } }), /LOGS_MAX/);
  assert.match(refused({ ask: { id, log, reason: 1 } }), /names ranges/);
  assert.match(refused({ ask: { id, log, reason: 0, ranges: numbers(0, 1) } }), /reason/);
  assert.match(refused({ ask: { log, reason: 1, ranges: numbers(0, 1) } }), /id/);
  assert.match(
    refused({ ask: { id, log, reason: 1, ranges: numbers(...new Array((ASK_RANGES_MAX + 1) * 2).fill(1)) } }),
    /at most/,
  );
  assert.match(refused({ askOperations: { id, log } }), /sequence 1/);
  assert.match(refused({ unavailable: {} }), /id/);
  const start = Long.fromNumber(10, true);
  const length = Long.fromNumber(5, true);
  assert.match(refused({ recipeAnswer: { start, length } }), /index/);
  assert.match(refused({ recipeAnswer: { log, start } }), /literal holds/);
  assert.match(refused({ recipeAnswer: { log, start, length, missing: numbers(9, 2) } }), /within it/);
  assert.match(refused({ recipeAnswer: { log, start, length, missing: numbers(14, 2) } }), /within it/);
});

control('random bytes and flipped bits never throw', () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 3000; round++) {
    const bytes = random.chance(0.5) ? random.bytes(random.below(80)) : encodeControl(random.pick(MESSAGES));
    for (let count = random.between(1, 4); count > 0 && bytes.length > 0; count--)
      bytes[random.below(bytes.length)] = random.below(256);
    const decoded = decodeControl(bytes);
    if (!decoded.ok) assert.type(decoded.reason, 'string');
  }
});

control('a message beyond the bound is refused unread', () => {
  const decoded = decodeControl(new Uint8Array(CONTROL_MESSAGE_BYTES_MAX + 1));
  assert.match(decoded.ok ? '' : decoded.reason, /longer/);
});

control.run();

const operations = suite('operations messages');
const batch = (first: bigint, count: number): Uint8Array =>
  encodeBatch({
    logs: [{ node, epoch: 2 }],
    firstSequence: first,
    clock: 1n,
    dependencies: [],
    operations: Array.from({ length: count }, () => ({
      kind: 'update' as const,
      inode: { source: 0, counter: 1 },
      attributes: { extended: [] },
      content: undefined,
    })),
  });
const better = {
  compress: (bytes: Uint8Array) => Uint8Array.from([1, ...bytes.subarray(0, 1), bytes.length >> 8, bytes.length & 255]),
  decompress: (_frame: Uint8Array, expectedLength: number) =>
    packetfs.BatchGroup.encode({ batches: [new Uint8Array(expectedLength)] }).finish(),
};

operations('small groups go uncompressed, larger ones compressed where that is smaller', () => {
  const small = [batch(1n, 1)];
  const large = Array.from({ length: 20 }, (_, index) => batch(BigInt(index + 1), 3));
  const plain = decodeOperations(encodeOperations(small, markCompression), markCompression);
  assert.equal(plain.ok && plain.value.map((bytes) => Uint8Array.from(bytes)), small);
  const decoded = decodeOperations(encodeOperations(large, markCompression), markCompression);
  assert.is(decoded.ok && decoded.value.length, 20);
  assert.ok(encodeOperations(large, better).length < 40);
});

operations('what does not unpack, is empty or too long is refused', () => {
  const encode = (rawBytes: number, batchGroup: Uint8Array): Uint8Array =>
    packetfs.OperationsMessage.encode({ rawBytes, batchGroup }).finish();
  assert.not(decodeOperations(encode(50, Uint8Array.of(1, 2, 3)), markCompression).ok);
  assert.not(decodeOperations(encode(0, new Uint8Array(0)), markCompression).ok);
  assert.not(decodeOperations(encode(0xffffffff, Uint8Array.of(0x5a)), markCompression).ok);
  assert.not(decodeOperations(Uint8Array.of(0xff, 0xff), markCompression).ok);
});

operations('the outline of a batch names its log and sequences, and refuses what has none', () => {
  const outline = outlineOfBatch(batch(40n, 3));
  assert.ok(outline.ok);
  assert.equal(outline.ok && { ...outline.value, log: undefined }, {
    log: undefined,
    firstSequence: 40n,
    lastSequence: 42n,
  });
  assert.is(outline.ok && outline.value.log.epoch, 2);
  assert.not(outlineOfBatch(batch(0n, 1)).ok);
  assert.not(outlineOfBatch(batch(1n, 0)).ok);
  assert.not(outlineOfBatch(new Uint8Array(0)).ok);
  assert.not(
    outlineOfBatch(packetfs.OperationBatch.encode({ firstSequence: Long.UONE, operations: [{}] }).finish()).ok,
  );
  // Field 5 as fixed32: unknown to who applies the batch, so it is no operation here either.
  const unknown = outlineOfBatch(Uint8Array.of(...batch(40n, 3), 0x2d, 1, 2, 3, 4));
  assert.is(unknown.ok && unknown.value.lastSequence, 42n);
  const random = new SeededRandom(seed);
  for (let round = 0; round < 1000; round++) {
    const bytes = batch(1n, 2);
    bytes[random.below(bytes.length)] = random.below(256);
    outlineOfBatch(bytes);
  }
});

operations.run();

const blocks = suite('block headers');

blocks('what is encoded decodes to the same, in at most 256 bytes', () => {
  const header = {
    log: named,
    start: logPosition(2 ** 47),
    end: logPosition(2 ** 47 + LITERAL_RAW_BYTES_MAX),
    ask: 2 ** 50,
    recipe: false,
  };
  const bytes = encodeBlockHeader(header);
  assert.ok(bytes.length <= 256);
  assert.equal(decodeBlockHeader(bytes), { ok: true, value: header });
});

blocks('lengths and places out of range are refused', () => {
  const encode = (start: number, length: number): Uint8Array =>
    packetfs.BlockHeader.encode({
      log,
      start: Long.fromNumber(start, true),
      length: Long.fromNumber(length, true),
    }).finish();
  assert.ok(decodeBlockHeader(encode(0, 1)).ok);
  assert.not(decodeBlockHeader(encode(0, 0)).ok);
  assert.not(decodeBlockHeader(encode(0, LITERAL_RAW_BYTES_MAX + 1)).ok);
  assert.not(decodeBlockHeader(encode(2 ** 48 - 1, 2)).ok);
  assert.not(decodeBlockHeader(new Uint8Array(257)).ok);
  assert.not(decodeBlockHeader(Uint8Array.of(0xff)).ok);
});

blocks.run();
