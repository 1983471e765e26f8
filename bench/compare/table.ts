// The results of a comparison as a table: for each row a line for each tool, medians of the rounds.
import { markdownTable } from '../markdown-table.ts';
import { median } from '../median.ts';
import type { Measured } from './measure.ts';

export interface SubjectRounds {
  readonly subject: string;
  readonly rounds: readonly (readonly Measured[])[];
}

const MEGABYTE = 1e6;
const HEADS = [
  'row',
  'tool',
  'seconds',
  'after the change',
  'MB on the wire',
  'CPU s sender',
  'CPU s receiver',
  'MB sender',
  'MB receiver',
];

export function formatRows(titles: ReadonlyMap<string, string>, results: readonly SubjectRounds[]): string {
  const lines = [...titles].flatMap(([name, title]) =>
    results.flatMap(({ subject, rounds }) => {
      const measured = rounds.flatMap((rows) => rows.filter(({ row }) => row === name));
      return measured.length === 0 ? [] : [lineOf(title, subject, measured)];
    }),
  );
  return markdownTable(HEADS, lines, 2);
}

function lineOf(title: string, subject: string, measured: readonly Measured[]): string[] {
  const of = (value: (one: Measured) => number): number => median(measured.map(value));
  return [
    title,
    subject.replaceAll('|', '\\|'),
    of(({ seconds }) => seconds).toFixed(2),
    of(({ secondsAfterChange }) => secondsAfterChange).toFixed(2),
    (of(({ wireBytes }) => wireBytes) / MEGABYTE).toFixed(3),
    of(({ senderCpuSeconds }) => senderCpuSeconds).toFixed(2),
    of(({ receiverCpuSeconds }) => receiverCpuSeconds).toFixed(2),
    (of(({ senderMemoryBytes }) => senderMemoryBytes) / MEGABYTE).toFixed(0),
    (of(({ receiverMemoryBytes }) => receiverMemoryBytes) / MEGABYTE).toFixed(0),
  ];
}
