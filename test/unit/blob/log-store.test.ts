import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { NativeBlob } from '../../../src/addon/native.ts';
import { addressOf, logNumber, logPosition } from '../../../src/base/units.ts';
import { LogStore } from '../../../src/blob/log-store.ts';
import { scrubAllSegments } from '../../../src/blob/scrub-driver.ts';
import { ChunkVerifier } from '../../../src/blob/verify.ts';
import { deriveChunkKeys } from '../../../src/chunking/keys.ts';

interface Context {
  directory: string;
  blob: NativeBlob;
  logs: LogStore;
}
const test = suite<Context>('blob/log-store');
const keys = deriveChunkKeys(native, new Uint8Array(32).fill(9));
const OWN = { number: logNumber(1), node: new Uint8Array(32).fill(1), epoch: 1 };
const PEER = { number: logNumber(2), node: new Uint8Array(32).fill(2), epoch: 3 };

const openBlob = (directory: string): NativeBlob =>
  native.openBlob({ directory, volumeId: new Uint8Array(16), ...keys });

function noise(length: number): Uint8Array {
  let state = 12345;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
}

test.before.each(async (context) => {
  context.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-blob-'));
  context.blob = openBlob(context.directory);
  context.logs = new LogStore(context.blob, context.directory);
  await context.logs.open(OWN, []);
  context.logs.appendTo(OWN.number);
});
test.after.each(({ directory, blob }) => {
  blob.close();
  fs.rmSync(directory, { recursive: true });
});

test('appended bytes are durable ranges only after the sync that covers them', async ({ blob, logs }) => {
  await blob.ingest(0n, noise(50_000));
  assert.equal(logs.durableRanges(OWN.number), []);
  const pending = logs.beforeSync();
  const marks = await blob.sync();
  assert.equal(logs.durableRanges(OWN.number), []);
  logs.noteDurable(pending, marks);
  assert.equal(logs.durableRanges(OWN.number), [{ start: logPosition(0), end: logPosition(50_000) }]);
  assert.equal([...blob.heldRanges(OWN.number)], [0, 50_000]);
});

test('what is held of a peer is told at once, what is durable after the next sync', async ({
  directory,
  blob,
  logs,
}) => {
  const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-blob-peer-'));
  const source = openBlob(elsewhere);
  const sourceLogs = new LogStore(source, elsewhere);
  await sourceLogs.open(PEER, []);
  sourceLogs.appendTo(PEER.number);
  await source.ingest(0n, noise(90_000));
  const literal = await source.packLiteral({
    log: 2,
    start: 0,
    end: 90_000,
    rawBytesMax: 40_000,
    level: 3,
    bases: new BigUint64Array(),
  });
  assert.ok(literal);
  await logs.open(PEER, []);
  const stored = await blob.storeLiteral({ log: 2, frame: literal.frame, repair: false });
  const range = { start: logPosition(stored.start), end: logPosition(stored.end) };
  logs.noteStored(PEER.number, range);
  assert.equal(logs.heldRanges(PEER.number), [range]);
  assert.equal([...blob.heldRanges(2)], [range.start, range.end]);
  assert.equal(logs.durableRanges(PEER.number), []);
  const pending = logs.beforeSync();
  logs.noteDurable(pending, await blob.sync());
  assert.equal(logs.durableRanges(PEER.number), [range]);
  source.close();
  fs.rmSync(elsewhere, { recursive: true });
  assert.ok(fs.existsSync(path.join(directory, `${'02'.repeat(32)}-3`)));
});

test('marks of a sync hold for the next open, and more than was found is a broken mark', async ({
  directory,
  blob,
}) => {
  await blob.ingest(0n, noise(50_000));
  const marks = await blob.sync();
  blob.close();
  const again = openBlob(directory);
  const opened = await new LogStore(again, directory).open(OWN, marks);
  assert.equal(opened.broken, []);
  again.close();
  const third = openBlob(directory);
  const more = marks.map((mark) => ({ ...mark, records: mark.records + 1 }));
  assert.is((await new LogStore(third, directory).open(OWN, more)).broken.length, 1);
  third.close();
});

test('verification and scrub find a changed byte, and only in its chunk', async ({ directory, blob, logs }) => {
  await blob.ingest(0n, noise(100_000));
  await blob.sync();
  const verifier = () => new ChunkVerifier({ blob, native, identityKey: keys.identityKey });
  const start = addressOf(OWN.number, logPosition(0));
  assert.is(await verifier().matches(start, 100_000n), true);
  assert.is(await verifier().matches(start, 100_001n), false); // not held
  const data = path.join(directory, `${'01'.repeat(32)}-1`, '00000.data');
  const descriptor = fs.openSync(data, 'r+');
  fs.writeSync(descriptor, Uint8Array.of(0xff, 0xff, 0xff, 0xff), 0, 4, 60_000);
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
  assert.is(await verifier().matches(start, 100_000n), false);
  assert.is(await verifier().matches(start, 1000n), true);
  const damages: bigint[] = [];
  let done = 0;
  await scrubAllSegments({
    blob,
    logs,
    signal: new AbortController().signal,
    onProgress: ({ bytesDone }) => {
      done = bytesDone;
    },
    onDamage: ({ address, length, reason }) => {
      assert.is(reason, 'data');
      damages.push(address);
      assert.ok(address <= start + 60_000n && start + 60_000n < address + length);
    },
  });
  assert.is(damages.length, 1);
  assert.is(done, 100_000);
});

test('a scrub that is cancelled rejects with the reason', async ({ blob, logs }) => {
  await blob.ingest(0n, noise(10_000));
  const abort = new AbortController();
  abort.abort(new Error('cancelled'));
  const pass = { blob, logs, signal: abort.signal, onProgress: () => undefined, onDamage: () => undefined };
  await scrubAllSegments(pass).then(
    () => assert.unreachable('the scrub went on'),
    (error: unknown) => assert.is(error instanceof Error && error.message, 'cancelled'),
  );
});

test.run();
