import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SegmentState } from '../../../src/addon/native.ts';
import { brokenMarks, MARKS_PER_COMMIT_MAX, MarkTable } from '../../../src/blob/marks.ts';

const test = suite<{ directory: string }>('blob/marks');
const found = (segment: number, records: number, dataBytes: number, corrupt = false): SegmentState => ({
  segment,
  records,
  dataBytes,
  sealed: false,
  torn: false,
  corrupt,
});
const mark = { log: 1, segment: 0, records: 10, dataBytes: 1000 };
const TABLE_BYTES = 256 + 64 * 10;

test.before.each((context) => {
  context.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pfs-marks-'));
});
test.after.each(({ directory }) => fs.rmSync(directory, { recursive: true }));

function broken(directory: string, states: SegmentState[], sizes: { table: number; data: number }): number {
  fs.writeFileSync(path.join(directory, '00000.chunks'), new Uint8Array(sizes.table));
  fs.writeFileSync(path.join(directory, '00000.data'), new Uint8Array(sizes.data));
  return brokenMarks({ number: 1, directory, marks: [mark], found: states }).length;
}

test('a segment that reaches its mark, or has more, is fine', ({ directory }) => {
  assert.is(broken(directory, [found(0, 10, 1000)], { table: TABLE_BYTES, data: 1000 }), 0);
  assert.is(broken(directory, [found(0, 12, 1400)], { table: TABLE_BYTES + 128, data: 4096 }), 0);
});

test('a missing segment, missing records and missing bytes are broken marks', ({ directory }) => {
  const whole = { table: TABLE_BYTES, data: 1000 };
  assert.is(broken(directory, [], whole), 1);
  assert.is(broken(directory, [found(0, 9, 1000)], whole), 1);
  assert.is(broken(directory, [found(0, 10, 999)], whole), 1);
});

test('records damaged in place are left to the scrub, files that are too short never', ({ directory }) => {
  const damaged = [found(0, 9, 900, true)];
  assert.is(broken(directory, damaged, { table: TABLE_BYTES, data: 1000 }), 0);
  assert.is(broken(directory, damaged, { table: TABLE_BYTES - 1, data: 1000 }), 1);
  assert.is(broken(directory, damaged, { table: TABLE_BYTES, data: 999 }), 1);
});

test('marks of other logs are not judged', ({ directory }) => {
  assert.equal(brokenMarks({ number: 2, directory, marks: [mark], found: [] }), []);
});

test('a table keeps the newer mark of each segment', () => {
  const table = new MarkTable([mark]);
  table.add([
    { ...mark, records: 11 },
    { ...mark, segment: 1 },
  ]);
  assert.equal(table.all(), [
    { ...mark, records: 11 },
    { ...mark, segment: 1 },
  ]);
});

test('a table is bounded and forgets the segments that were synced longest ago', () => {
  const table = new MarkTable([mark]);
  for (let segment = 1; segment <= MARKS_PER_COMMIT_MAX; segment += 1) table.add([{ ...mark, segment }]);
  assert.is(table.all().length, MARKS_PER_COMMIT_MAX);
  assert.is(table.all()[0]?.segment, 1);
});

test.run();
