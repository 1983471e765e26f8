import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SegmentState } from '../../../src/addon/native.ts';
import { brokenMarks, MARKS_PER_COMMIT_MAX, MarkTable } from '../../../src/blob/marks.ts';

const test = suite('blob/marks');
const found = (segment: number, records: number, dataBytes: number, corrupt = false): SegmentState => ({
  segment,
  records,
  dataBytes,
  sealed: false,
  torn: false,
  corrupt,
});
const mark = { log: 1, segment: 0, records: 10, dataBytes: 1000 };

test('a segment that reaches its mark, or has more, is fine', () => {
  assert.equal(brokenMarks(1, [mark], [found(0, 10, 1000)]), []);
  assert.equal(brokenMarks(1, [mark], [found(0, 12, 1400)]), []);
});

test('a missing segment, missing records and missing bytes are broken marks', () => {
  assert.equal(brokenMarks(1, [mark], []), [{ mark, found: undefined }]);
  assert.is(brokenMarks(1, [mark], [found(0, 9, 1000)]).length, 1);
  assert.is(brokenMarks(1, [mark], [found(0, 10, 999)]).length, 1);
});

test('marks of other logs and quarantined segments are not judged', () => {
  assert.equal(brokenMarks(2, [mark], []), []);
  assert.equal(brokenMarks(1, [mark], [found(0, 3, 300, true)]), []);
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
