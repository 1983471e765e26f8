// What `make analyze` makes of a comparison's file.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompareFile, cellsOf } from '../../bench/compare/cells.ts';
import type { Measured } from '../../bench/compare/measure.ts';
import { plotRows } from '../../bench/compare/plot.ts';

const measured = (row: string, seconds: number, wireBytes: number): Measured => ({
  row,
  seconds,
  wireBytes,
  secondsAfterChange: 0,
  senderCpuSeconds: 0,
  receiverCpuSeconds: 0,
  senderMemoryBytes: 0,
  receiverMemoryBytes: 0,
});

const FILE: CompareFile = {
  profile: { name: 'wan' },
  date: '2026-11-29T00:00:00Z',
  rows: [
    { name: 'first', title: 'first copy' },
    { name: 'rename', title: 'renamed tree' },
  ],
  results: [
    {
      subject: 'packetfs',
      rounds: [
        [measured('first', 3, 2e6), measured('rename', 0.1, 1000)],
        [measured('first', 1, 4e6), measured('rename', 0.1, 1000)],
        [measured('first', 2, 9e6), measured('rename', 0.1, 1000)],
      ],
    },
    { subject: 'tar | nc', rounds: [[measured('first', 20, 30e6)]] },
  ],
};

const test = suite('analysis of a comparison');

test('cells are medians, in the order of the rows; what a tool left out is left out', () => {
  assert.equal(cellsOf(FILE), [
    { title: 'first copy', subject: 'packetfs', seconds: 2, megabytes: 4 },
    { title: 'first copy', subject: 'tar | nc', seconds: 20, megabytes: 30 },
    { title: 'renamed tree', subject: 'packetfs', seconds: 0.1, megabytes: 0.001 },
  ]);
});

test('the plot has two marks for each cell, further right for more', () => {
  const plot = plotRows(cellsOf(FILE), 'wan');
  const marks = [...plot.matchAll(/<circle cx="([\d.]+)"[^>]*><title>([^<]+)</g)].map((match) => ({
    x: Number(match[1]),
    title: match[2] ?? '',
  }));
  assert.is(marks.length, 6);
  const xOf = (title: string): number => marks.find((mark) => mark.title.startsWith(title))?.x ?? Number.NaN;
  assert.ok(xOf('packetfs: 0.10 s') < xOf('packetfs: 2.00 s'));
  assert.ok(xOf('packetfs: 2.00 s') < xOf('tar | nc: 20.00 s'));
});

test.run();
