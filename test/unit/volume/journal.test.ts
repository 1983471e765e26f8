import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { Journal, readJournals } from '../../../src/volume/journal.ts';

const test = suite<{ directory: string }>('volume/journal');

test.before.each((context) => {
  context.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-journal-'));
});
test.after.each(({ directory }) => fs.rmSync(directory, { recursive: true }));

const crc32c = (bytes: Uint8Array, seed?: number) => native.crc32c(bytes, seed);
const record = (text: string) => new TextEncoder().encode(text);
const open = (directory: string, follows = 0n) => new Journal(native.createJournal(directory, follows));
const texts = (directory: string) =>
  readJournals(directory, crc32c).map((file) =>
    file.entries.map((entry) => (entry.kind === 'mutation' ? new TextDecoder().decode(entry.record) : entry.kind)),
  );

test('records come back in order', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('one'), record('two')]);
  journal.append([record('three')]);
  journal.close();
  assert.equal(texts(directory), [['one', 'two', 'three']]);
});

test('no record, no file', ({ directory }) => {
  const journal = open(directory);
  journal.append([]);
  assert.is(journal.rotate(1n), false);
  assert.equal(fs.readdirSync(directory), []);
});

test('after a rotation records follow the new commit, and the old file is there until it is retired', ({
  directory,
}) => {
  const journal = open(directory);
  journal.append([record('before')]);
  journal.rotate(1n);
  journal.append([record('after')]);
  journal.close();
  assert.equal(
    readJournals(directory, crc32c).map((file) => [file.follows, file.entries.length]),
    [
      [0n, 1],
      [1n, 1],
    ],
  );
});

test('a journal tells where the one before it ended, so that its loss is seen', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('before')]);
  journal.rotate(1n);
  journal.append([record('after')]);
  journal.close();
  const [first, second] = readJournals(directory, crc32c);
  assert.is(first?.previousBytes, 0);
  assert.is(second?.previousBytes, first?.bytes);
});

test('what a file that is written over held before never comes back', ({ directory }) => {
  const journal = open(directory);
  const long = Array.from({ length: 20 }, () => record('of commit 0'));
  for (let commit = 0n; commit < 3n; commit += 1n) {
    journal.append(commit === 0n ? long : [record(`of commit ${commit}`)]);
    journal.rotate(commit + 1n);
    journal.retire();
  }
  journal.append([record('of commit 3')]);
  const files = readJournals(directory, crc32c);
  assert.is(files.length, 1);
  assert.ok(fs.statSync(files[0]?.path ?? '').size > 20 * 'of commit 0'.length);
  assert.equal(texts(directory), [['of commit 3']]);
  journal.close();
});

test('a name that reached the disk before its header gives no records of the commit the file was for', ({
  directory,
}) => {
  const journal = open(directory);
  journal.append([record('stale')]);
  journal.close();
  fs.renameSync(path.join(directory, 'namespace.journal.0'), path.join(directory, 'namespace.journal.2'));
  assert.equal(texts(directory), [[]]);
});

test('a synced journal is as long as before, and grows no more with the records that follow', async ({ directory }) => {
  const journal = open(directory);
  journal.append([record('first')]);
  await journal.sync();
  const file = path.join(directory, 'namespace.journal.0');
  const length = fs.statSync(file).size;
  journal.append([record('second')]);
  await journal.sync();
  assert.is(fs.statSync(file).size, length);
  assert.equal(texts(directory), [['first', 'second']]);
  journal.close();
});

test('whatever the length a journal is cut to, a prefix of its records comes back', ({ directory }) => {
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
});

test('the example of docs/format/namespace.md, Journal, is what is written', ({ directory }) => {
  const journal = open(directory);
  journal.append([record('hi')]);
  journal.close();
  const bytes = fs.readFileSync(path.join(directory, 'namespace.journal.0'));
  assert.is(bytes.toString('hex'), '5046534a0200000000000000000000000000000000000000a2d54a1702000000c97e428a006869');
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
