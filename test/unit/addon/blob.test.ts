// NativeBlob through the addon: bytes, literals and checks cross the boundary whole, bad arguments are refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { NativeBlob } from '../../../src/addon/native.ts';

const LOG = 3;
const NAME = `${'ab'.repeat(32)}-1`;

const open = (directory: string): NativeBlob =>
  native.openBlob({
    directory,
    volumeId: new Uint8Array(16).fill(1),
    identityKey: new Uint8Array(32).fill(2),
    chunker: { minimum: 8192, maximum: 24576, multiplier: 2654435761, addend: 7 },
  });

function pseudoRandomBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

const pack = (blob: NativeBlob, start: number, end: number) =>
  blob.packLiteral({ log: LOG, start, end, rawBytesMax: 1 << 20, level: 3, bases: new BigUint64Array() });

async function failure(work: () => Promise<unknown>): Promise<{ errno?: unknown; syscall?: unknown }> {
  try {
    await work();
  } catch (error) {
    return error as { errno?: unknown; syscall?: unknown };
  }
  assert.unreachable('it must fail');
  return {};
}

const test = suite<{ directories: string[]; make: () => string }>('addon blob');
test.before.each((context) => {
  context.directories = [];
  context.make = () => {
    const directory = mkdtempSync(join(tmpdir(), 'pfs-addon-blob-'));
    context.directories.push(directory);
    return directory;
  };
});
test.after.each((context) => {
  for (const directory of context.directories) rmSync(directory, { recursive: true });
});

test('ingested bytes read back, are matched again and survive reopening', async ({ make }) => {
  const directory = make();
  const bytes = pseudoRandomBytes(300_000, 5);
  const blob = open(directory);
  assert.equal(await blob.openLog(LOG, NAME), []);
  blob.setAppendLog(LOG);
  const extents = await blob.ingest(0n, bytes);
  assert.equal(extents, new BigUint64Array([0n, 300_000n, 3n << 48n]));
  assert.equal(await blob.readExtents(extents, 0n, bytes.length), bytes);
  assert.equal(
    await blob.readExtents(extents, 299_000n, 2000),
    new Uint8Array([...bytes.subarray(299_000), ...new Uint8Array(1000)]),
  );
  assert.equal(await blob.ingest(0n, bytes), extents);
  assert.is(blob.totals().matchedBytes, 300_000);
  assert.is(blob.holds(3n << 48n, 300_000n), true);
  assert.is(blob.holds(3n << 48n, 300_001n), false);
  assert.equal(blob.heldRanges(LOG), new Float64Array([0, 300_000]));
  const chunk = blob.chunkAt((3n << 48n) + 100n);
  assert.is(chunk?.address, 3n << 48n);
  assert.is(chunk?.hash.length, 32);
  assert.is(blob.chunkAt(5n << 48n), undefined);
  assert.not.ok(blob.isSynced());
  const marks = await blob.sync();
  assert.ok(blob.isSynced());
  assert.is(marks.length, 1);
  assert.is(marks[0]?.dataBytes, 300_000);
  assert.is(blob.index().chunks, marks[0]?.records);
  blob.close();

  const again = open(directory);
  const segments = await again.openLog(LOG, NAME);
  assert.is(segments[0]?.dataBytes, 300_000);
  assert.equal(again.segmentsOf(LOG), [0]);
  assert.equal(await again.readExtents(extents, 0n, bytes.length), bytes);
  again.close();
});

test('a literal carries chunks to another blob, whose check of the runs is then equal', async ({ make }) => {
  const bytes = pseudoRandomBytes(100_000, 9);
  const from = open(make());
  const to = open(make());
  for (const blob of [from, to]) await blob.openLog(LOG, NAME);
  from.setAppendLog(LOG);
  const extents = await from.ingest(0n, bytes);
  const literal = await pack(from, 0, 100_000);
  if (literal === undefined) throw new Error('something is held');
  assert.is(literal.rawBytes, 100_000);
  assert.is(literal.end, 100_000);
  assert.is(to.checkOfRuns(new BigUint64Array([3n << 48n, 100_000n])), undefined);
  const stored = await to.storeLiteral({ log: LOG, frame: literal.frame, repair: false });
  assert.equal([stored.start, stored.end, stored.chunks], [0, 100_000, literal.chunks]);
  assert.equal(await to.readExtents(extents, 0n, bytes.length), bytes);
  const runs = new BigUint64Array([3n << 48n, 100_000n]);
  assert.is(typeof from.checkOfRuns(runs), 'bigint');
  assert.is(to.checkOfRuns(runs), from.checkOfRuns(runs));
  assert.is(await pack(from, 100_000, 200_000), undefined);
  from.close();
  to.close();
});

test('a damaged frame is refused with EBADMSG', async ({ make }) => {
  const blob = open(make());
  await blob.openLog(LOG, NAME);
  blob.setAppendLog(LOG);
  await blob.ingest(0n, pseudoRandomBytes(20_000, 1));
  const literal = await pack(blob, 0, 20_000);
  if (literal === undefined) throw new Error('something is held');
  const frame = Uint8Array.from(literal.frame);
  frame[frame.length - 9] = (frame[frame.length - 9] ?? 0) ^ 1;
  const error = await failure(() => blob.storeLiteral({ log: LOG, frame, repair: false }));
  assert.is(error.errno, 74);
  assert.is(error.syscall, 'storeLiteral');
  blob.close();
});

test('scrub names a flipped byte, and a literal repairs it', async ({ make }) => {
  const directory = make();
  const blob = open(directory);
  await blob.openLog(LOG, NAME);
  blob.setAppendLog(LOG);
  await blob.ingest(0n, pseudoRandomBytes(100_000, 2));
  await blob.sync();
  const literal = await pack(blob, 0, 100_000);
  if (literal === undefined) throw new Error('something is held');
  const path = join(directory, NAME, '00000.data');
  const data = readFileSync(path);
  data[50_000] = (data[50_000] ?? 0) ^ 1;
  writeFileSync(path, data, { flag: 'r+' });
  const { findings } = await blob.scrubSegment(LOG, 0);
  assert.is(findings.length, 1);
  const finding = findings[0];
  if (finding === undefined) throw new Error('one finding');
  assert.is(finding.reason, 'data');
  assert.ok(finding.address <= (3n << 48n) + 50_000n && finding.address + finding.length > (3n << 48n) + 50_000n);
  await blob.storeLiteral({ log: LOG, frame: literal.frame, repair: true });
  assert.equal((await blob.scrubSegment(LOG, 0)).findings, []);
  blob.close();
});

test('wrong arguments throw EINVAL and name what is wrong', async ({ make }) => {
  const blob = open(make());
  assert.throws(() => blob.setAppendLog(-1), /log must be an integer/);
  assert.throws(() => blob.setAppendLog(9), /not open/);
  assert.throws(() => blob.holds(1n << 64n, 1n), /address must be a bigint/);
  assert.throws(() => blob.checkOfRuns(new BigUint64Array(3)), /pairs/);
  assert.throws(() => blob.ingest(-1n, new Uint8Array(1)), /fileOffset/);
  assert.throws(
    () =>
      native.openBlob({
        directory: '/nonexistent/x',
        volumeId: new Uint8Array(15),
        identityKey: new Uint8Array(32),
        chunker: { minimum: 8192, maximum: 24576, multiplier: 1, addend: 0 },
      }),
    /volumeId/,
  );
  assert.is((await failure(() => blob.openLog(1, 'a/b'))).errno, 22);
  blob.close();
  blob.close();
});

test.run();
