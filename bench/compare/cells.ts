// The file that a comparison leaves, and its medians.
import { median } from '../median.ts';
import type { Measured } from './measure.ts';

const MEGABYTE = 1e6;

export interface CompareFile {
  readonly profile: { readonly name: string };
  readonly date: string;
  readonly data?: CompareData;
  readonly machine?: Readonly<Record<string, string>>;
  /** In the order of the table. */
  readonly rows: readonly { readonly name: string; readonly title: string }[];
  readonly results: readonly { readonly subject: string; readonly rounds: readonly (readonly Measured[])[] }[];
}

export interface CompareData {
  /** '' for the ordinary set. */
  readonly name: string;
  readonly trees: readonly string[];
  readonly bigBytes: number;
}

/** Without its extension: sets of data do not overwrite each other. */
export const fileNameOf = (file: Pick<CompareFile, 'profile' | 'data'>): string => `compare-${titleOf(file, '-')}`;

/** The set of data where it is not the ordinary one, and the link. */
export const titleOf = ({ profile, data }: Pick<CompareFile, 'profile' | 'data'>, between: string): string =>
  data === undefined || data.name === '' ? profile.name : `${data.name}${between}${profile.name}`;

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
