// What `make bench-dedup` counts and says: chunks of a blob's tables and of casync's indexes, ratios, and losses.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bestTool, type FamilyResult, isMet, losses, ratioTo, uniqueBytes } from '../../../bench/dedup/results.ts';
import { addChunks } from '../../../bench/dedup/subjects/casync.ts';
import { readChunkTables } from '../../../bench/dedup/subjects/chunk-tables.ts';
import type { Stored } from '../../../bench/dedup/subjects/subject.ts';
import { Tally } from '../../../bench/dedup/subjects/tally.ts';
import { formatResults } from '../../../bench/dedup/table.ts';

const test = suite('bench-dedup');

const of = (...unique: readonly number[]): Stored[] => unique.map((bytes) => ({ uniqueBytes: bytes, chunks: 100 }));

const FAMILY: FamilyResult = {
  name: 'text',
  title: 'text',
  releases: 2,
  files: 10,
  rawBytes: 9e6,
  stored: {
    packetfs: of(3e6, 1e6, 2e6),
    'FastCDC NC2': of(1.6e6),
    'FastCDC, equal chunks': of(2e6),
    borg: of(5e6),
    restic: of(4e6),
    casync: of(4.5e6),
  },
};

test('a ratio is of medians, to the tool that stores the least', () => {
  assert.is(uniqueBytes(FAMILY, 'packetfs'), 2e6);
  assert.is(bestTool(FAMILY), 'restic');
  assert.is(ratioTo(FAMILY, 'restic'), 0.5);
  assert.is(ratioTo(FAMILY, 'tar'), undefined);
});

test('a loss is storing more than a tool or a reference, not as much', () => {
  assert.equal(losses(FAMILY), ['FastCDC NC2']);
  assert.equal(losses({ ...FAMILY, stored: { ...FAMILY.stored, casync: of(1.9e6) } }), ['FastCDC NC2', 'casync']);
});

test('what is asked for is met or missed only where everything was measured', () => {
  const met: FamilyResult['stored'] = { ...FAMILY.stored, packetfs: of(1.6e6) };
  assert.equal([isMet(FAMILY), isMet({ ...FAMILY, stored: met })], [false, true]);
  const without = (name: string) => Object.fromEntries(Object.entries(met).filter(([subject]) => subject !== name));
  assert.equal(
    [isMet({ ...FAMILY, stored: without('packetfs') }), isMet({ ...FAMILY, stored: without('casync') })],
    [undefined, undefined],
  );
});

test('the table has a line for a family and one for each loss', () => {
  const text = formatResults({
    date: '2026-11-29T00:00:00Z',
    machine: { kernel: '6.1' },
    subjects: { packetfs: 'a commit', borg: 'a version' },
    rounds: 3,
    quick: false,
    families: [FAMILY],
  });
  assert.match(
    text,
    /\| text +\| +2 \| +10 \| +9\.00 \| +2\.00 \| +5\.00 \| +0\.500 \| +1\.250 \| +1\.000 \| ≤ 1 MISSED \|/,
  );
  assert.match(text, /- \*\*Lost: text\*\* to FastCDC NC2: 1\.250 of it, 2\.00 MB where it keeps 1\.60/);
  assert.match(text, /- borg: a version/);
});

test('a chunk counts once, by its identity', () => {
  const tally = new Tally();
  for (const [identity, length] of [
    ['a', 3],
    ['b', 5],
    ['a', 3],
  ] as const)
    tally.add(identity, length);
  assert.equal(tally.stored, { uniqueBytes: 8, chunks: 2 });
});

test('the tables of all logs are counted, but for the footer of a sealed one', () => {
  const blob = mkdtempSync(join(tmpdir(), 'blob-'));
  for (const [log, table] of [
    ['one', tableOf([5, 3], true)],
    ['two', tableOf([7], false)],
  ] as const) {
    mkdirSync(join(blob, log));
    writeFileSync(join(blob, log, '00000.chunks'), table);
    writeFileSync(join(blob, log, '00000.data'), 'nothing that is counted');
  }
  assert.equal(readChunkTables(blob), { uniqueBytes: 15, chunks: 3, otherBytes: 256 + 3 * 64 + 256 + 64 });
});

test('what is no chunk table, or no record of one, is refused', () => {
  const blob = mkdtempSync(join(tmpdir(), 'blob-'));
  for (const wrong of [Buffer.alloc(512), tableOf([5, 0], false)]) {
    writeFileSync(join(blob, '00000.chunks'), wrong);
    assert.throws(() => readChunkTables(blob), /this is no/);
  }
});

test("lengths in casync's index are between the ends of its items, and its tail is none", () => {
  const tally = new Tally();
  addChunks(
    indexOf([
      [10, 'a'],
      [30, 'b'],
      [40, 'a'],
    ]),
    tally,
  );
  assert.equal(tally.stored, { uniqueBytes: 30, chunks: 2 });
  assert.throws(() => addChunks(indexOf([[10, 'a']]).subarray(0, -40), tally), /has no end/);
});

/** As docs/format/blob.md has it, without checksums. */
function tableOf(lengths: readonly number[], sealed: boolean): Buffer {
  const table = Buffer.alloc(256 + 64 * (lengths.length + (sealed ? 1 : 0)));
  table.write('PFSTABLE', 'latin1');
  for (const [slot, length] of lengths.entries()) table.writeUInt32LE(length, 256 + 64 * slot + 8);
  if (sealed) table.write('PFSSEAL1', 256 + 64 * lengths.length, 'latin1');
  return table;
}

/** Header, the table's header, items, and the tail, which begins with an end of 0. */
function indexOf(items: readonly (readonly [end: number, identity: string])[]): Buffer {
  const item = ([end, identity]: readonly [number, string]): Buffer => {
    const bytes = Buffer.alloc(40, identity);
    bytes.writeBigUInt64LE(BigInt(end));
    return bytes;
  };
  return Buffer.concat([Buffer.alloc(48 + 16), ...items.map(item), item([0, 'tail'])]);
}

test.run();
