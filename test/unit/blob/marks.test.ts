import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SegmentState } from '../../../src/addon/native.ts';
import { brokenMarks, MarkTable } from '../../../src/blob/marks.ts';

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
  assert.is(table.get(1, 0)?.records, 11);
  assert.is(table.all().length, 2);
  table.clear();
  assert.equal(table.all(), []);
});

test.run();
