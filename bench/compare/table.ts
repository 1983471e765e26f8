// A table for each row of a comparison: a line for each subject, medians of the rounds.
import Table from 'cli-table3';
import { median } from '../median.ts';
import type { Measured } from './measure.ts';

export interface SubjectRounds {
  readonly subject: string;
  readonly rounds: readonly (readonly Measured[])[];
}

const MEGABYTE = 1e6;

export function formatRows(titles: ReadonlyMap<string, string>, results: readonly SubjectRounds[]): string {
  const table = new Table({
    head: ['row', 'tool', 'seconds', 'after the change', 'MB on the wire', 'CPU s sender', 'CPU s receiver'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
    chars: MARKDOWN,
  });
  const head = `| ${'--- | '.repeat(2)}${'---: | '.repeat(5)}`.trimEnd();
  for (const [name, title] of titles) {
    for (const { subject, rounds } of results) {
      const measured = rounds.flatMap((rows) => rows.filter(({ row }) => row === name));
      if (measured.length > 0) table.push(cellsOf(title, subject, measured));
    }
  }
  const [first = '', ...rest] = table.toString().split('\n');
  return `${[first, head, ...rest].join('\n')}\n`;
}

function cellsOf(title: string, subject: string, measured: readonly Measured[]): string[] {
  const of = (value: (one: Measured) => number): number => median(measured.map(value));
  return [
    title,
    subject.replaceAll('|', '\\|'),
    of(({ seconds }) => seconds).toFixed(2),
    of(({ secondsAfterChange }) => secondsAfterChange).toFixed(2),
    (of(({ wireBytes }) => wireBytes) / MEGABYTE).toFixed(3),
    of(({ senderCpuSeconds }) => senderCpuSeconds).toFixed(2),
    of(({ receiverCpuSeconds }) => receiverCpuSeconds).toFixed(2),
  ];
}

const MARKDOWN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '|',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '|',
  'right-mid': '',
  middle: '|',
};
