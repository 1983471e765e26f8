// What `pfs check` reads natively: a segment's files without changing them, and the index against the tables.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { NativeBlob } from '../../../src/addon/native.ts';

const LOG = 3;
const NAME = `${'ab'.repeat(32)}-1`;
const identity = {
  volumeId: new Uint8Array(16).fill(1),
  identityKey: new Uint8Array(32).fill(2),
  chunker: { minimum: 8192, maximum: 24576, multiplier: 2654435761, addend: 7 },
};
const RECORD_BYTES = 64;
const HEADER_BYTES = 256;

function pseudoRandomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 7;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

const test = suite<{ directory: string; path: string; blob: NativeBlob }>('addon inspect');

test.before.each(async (context) => {
  context.directory = fs.mkdtempSync(join(tmpdir(), 'pfs-inspect-'));
  context.path = join(context.directory, NAME, '00000');
  context.blob = native.openBlob({ directory: context.directory, ...identity });
  await context.blob.openLog(LOG, NAME);
  context.blob.setAppendLog(LOG);
  await context.blob.ingest(0n, pseudoRandomBytes(200_000));
  await context.blob.sync();
});
test.after.each(({ directory, blob }) => {
  blob.close();
  fs.rmSync(directory, { recursive: true });
});

const inspect = (path: string, verifyData = false) =>
  native.inspectSegment({ path, logName: NAME, segment: 0, verifyData, ...identity });

function flip(file: string, offset: number): void {
  const bytes = fs.readFileSync(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  const descriptor = fs.openSync(file, 'r+');
  fs.writeSync(descriptor, bytes, offset, 1, offset);
  fs.closeSync(descriptor);
}

test('a sound segment has no problems, and its files stay as they are', async ({ path }) => {
  const before = [fs.readFileSync(`${path}.data`), fs.readFileSync(`${path}.chunks`)];
  const found = await inspect(path, true);
  assert.is(found.header, 'valid');
  assert.is(found.problemCount, 0);
  assert.ok(found.records > 5 && found.records === found.slots && found.records === found.syncedRecords);
  assert.equal([...found.coverage], [0, found.dataEnd]);
  assert.equal([fs.readFileSync(`${path}.data`), fs.readFileSync(`${path}.chunks`)], before);
});

test('a damaged record, damaged bytes, a record without bytes and an overlap are told apart', async ({ path }) => {
  flip(`${path}.data`, 10);
  assert.is((await inspect(path)).problemCount, 0);
  const data = await inspect(path, true);
  assert.equal([data.problems[0]?.fault, data.problems[0]?.slot, data.problems[0]?.offset], ['data', 0, 0]);
  assert.ok((data.coverage[0] ?? 0) > 0, 'damaged bytes are not covered');
  flip(`${path}.data`, 10);
  flip(`${path}.chunks`, HEADER_BYTES + 2 * RECORD_BYTES + 8);
  const record = await inspect(path);
  assert.equal([record.problems[0]?.fault, record.problems[0]?.slot], ['record', 2]);
  assert.is(record.coverage.length, 4);
  const table = fs.readFileSync(`${path}.chunks`);
  const third = table.subarray(HEADER_BYTES + 3 * RECORD_BYTES, HEADER_BYTES + 4 * RECORD_BYTES);
  third.copy(table, HEADER_BYTES + 2 * RECORD_BYTES);
  fs.writeFileSync(`${path}.chunks`, table);
  const overlap = await inspect(path);
  assert.equal([overlap.problems[0]?.fault, overlap.problems[0]?.slot], ['record', 3]);
  fs.truncateSync(`${path}.data`, 1000);
  const lost = await inspect(path);
  assert.is(lost.problems[0]?.fault, 'lost');
  assert.is(lost.records, 0);
});

test('missing files and a foreign table are said to be so', async ({ path }) => {
  const foreign = await native.inspectSegment({ path, logName: NAME, segment: 1, verifyData: false, ...identity });
  assert.is(foreign.header, 'foreign');
  fs.rmSync(`${path}.data`);
  assert.is((await inspect(path)).hasData, false);
  fs.rmSync(`${path}.chunks`);
  assert.is((await inspect(path)).hasTable, false);
});

test('the index is compared with the tables both ways', async ({ path, blob }) => {
  const sound = await blob.checkIndex();
  assert.ok(sound.chunks > 5);
  assert.is(sound.entries, sound.chunks);
  assert.equal([sound.missing.length, sound.contradicted.length], [0, 0]);
  flip(`${path}.chunks`, HEADER_BYTES + RECORD_BYTES + 30); // the table is mapped: the blob sees it
  const damaged = await blob.checkIndex();
  assert.equal([damaged.chunks, damaged.missing.length, damaged.contradicted.length], [sound.chunks - 1, 0, 1]);
});

test.run();
