// The file that a comparison leaves, and its medians.
import { median } from '../median.ts';
import type { Measured } from './measure.ts';

const MEGABYTE = 1e6;

export interface CompareFile {
  readonly profile: { readonly name: string };
  readonly date: string;
  /** In the order of the table. */
  readonly rows: readonly { readonly name: string; readonly title: string }[];
  readonly results: readonly { readonly subject: string; readonly rounds: readonly (readonly Measured[])[] }[];
}

/** Of one row and one tool: medians of the rounds. */
export interface Cell {
  readonly title: string;
  readonly subject: string;
  readonly seconds: number;
  /** On the wire. */
  readonly megabytes: number;
}

export function cellsOf({ rows, results }: CompareFile): Cell[] {
  return rows.flatMap(({ name, title }) =>
    results.flatMap(({ subject, rounds }) => {
      const measured = rounds.flatMap((all) => all.filter(({ row }) => row === name));
      if (measured.length === 0) return [];
      const seconds = median(measured.map((one) => one.seconds));
      return [{ title, subject, seconds, megabytes: median(measured.map((one) => one.wireBytes)) / MEGABYTE }];
    }),
  );
}
