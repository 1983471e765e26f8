import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { Journal, readJournals } from '../../../src/volume/journal.ts';

const test = suite<{ directory: string }>('volume/journal');

test.before.each((context) => {
  context.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-journal-'));
});
test.after.each(({ directory }) => fs.rmSync(directory, { recursive: true }));

/** Any 32-bit checksum does for the framing; the addon's CRC32C has its own vectors. */
const crc32c = (bytes: Uint8Array, seed = 0) => crc32(bytes, seed);
const record = (text: string) => new TextEncoder().encode(text);
const open = (directory: string, follows = 0n) => new Journal({ directory, follows, crc32c });
const texts = (directory: string) =>
  readJournals(directory, crc32c).map((file) => file.records.map((bytes) => new TextDecoder().decode(bytes)));

test('records come back in order, empty ones too', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('one'), record('')]);
  journal.append([record('three')]);
  journal.close();
  assert.equal(texts(directory), [['one', '', 'three']]);
  assert.is(readJournals(directory, crc32c)[0]?.torn, false);
});

test('no record, no file', ({ directory }) => {
  const journal = open(directory);
  journal.append([]);
  assert.is(journal.rotate(1n), undefined);
  assert.equal(fs.readdirSync(directory), []);
});

test('after a rotation records follow the new commit and the old file is handed over', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('before')]);
  const retired = journal.rotate(1n);
  journal.append([record('after')]);
  journal.close();
  assert.equal(
    readJournals(directory, crc32c).map((file) => [file.follows, file.records.length]),
    [
      [0n, 1],
      [1n, 1],
    ],
  );
  assert.is(retired, readJournals(directory, crc32c)[0]?.path);
});

test('whatever the length a journal is cut to, a prefix of its records comes back and the loss is told', ({
  directory,
}) => {
  const journal = open(directory);
  journal.append([record('first'), record('second'), record('third')]);
  journal.close();
  const file = readJournals(directory, crc32c)[0];
  assert.ok(file);
  const whole = fs.readFileSync(file.path);
  for (let length = 0; length <= whole.length; length += 1) {
    fs.writeFileSync(file.path, whole.subarray(0, length));
    const records = texts(directory)[0] ?? [];
    assert.equal(records, ['first', 'second', 'third'].slice(0, records.length));
    assert.is(records.length === 3, length === whole.length);
    const torn = readJournals(directory, crc32c)[0]?.torn;
    const atRecordEnd = [12, 12 + 13, 12 + 13 + 14, whole.length].includes(length);
    assert.is(torn, !atRecordEnd);
  }
});

test('a flipped bit anywhere ends the replay before the record it is in', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('first'), record('second')]);
  journal.close();
  const file = readJournals(directory, crc32c)[0];
  assert.ok(file);
  const whole = fs.readFileSync(file.path);
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const flipped = Buffer.from(whole);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    fs.writeFileSync(file.path, flipped);
    const records = texts(directory)[0] ?? [];
    assert.equal(records, ['first', 'second'].slice(0, records.length));
    assert.ok(records.length < 2);
  }
});

test('zeros behind the records are not records', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('only')]);
  journal.close();
  const file = readJournals(directory, crc32c)[0];
  assert.ok(file);
  fs.appendFileSync(file.path, new Uint8Array(4096));
  assert.equal(texts(directory), [['only']]);
  assert.is(readJournals(directory, crc32c)[0]?.torn, true);
});

test('the example of docs/format/namespace.md, Journal, is what is written', ({ directory }) => {
  const journal = new Journal({ directory, follows: 0n, crc32c: (bytes, seed) => native.crc32c(bytes, seed) });
  journal.append([record('hi')]);
  journal.close();
  const bytes = fs.readFileSync(path.join(directory, 'namespace.journal.0'));
  assert.is(bytes.toString('hex'), '5046534a01000000e75feab80200000059725a886869');
});

test('other files in the directory are not journals', ({ directory }) => {
  for (const name of [
    'namespace.journal',
    'namespace.journal.',
    'namespace.journal.01',
    'namespace.journal.1x',
    'lock',
  ]) {
    fs.writeFileSync(path.join(directory, name), 'x');
  }
  assert.equal(readJournals(directory, crc32c), []);
});

test.run();
