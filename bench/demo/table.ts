// What the demo prints.

export interface StepRow {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** What tar | zstd -3 makes of the same tree. */
  readonly compressedBytes: number;
  readonly fromA: number;
  readonly fromB: number;
  /** Until the command on A returned. */
  readonly localSeconds: number;
  /** Until B had it all, durably. */
  readonly seconds: number;
}

export interface Verdict {
  readonly promise: string;
  readonly kept: boolean;
  readonly measured: string;
}

const WIDTHS = [-14, 8, 13, 13, 13, 13, 9, 9];
const HEADS = ['step', 'files', 'bytes', 'tar|zstd -3', 'wire A to B', 'wire B to A', 'local s', 'synced s'];

const formatCells = (cells: readonly string[]): string => {
  const padded = cells.map((cell, index) => {
    const width = WIDTHS[index] ?? 0;
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return `${padded.join('  ')}\n`;
};

const count = (value: number): string => value.toLocaleString('en');

export function printHeader(): void {
  process.stdout.write(formatCells(HEADS));
}

export const formatRow = (row: StepRow): string =>
  formatCells([
    row.name,
    count(row.files),
    count(row.bytes),
    count(row.compressedBytes),
    count(row.fromA),
    count(row.fromB),
    row.localSeconds.toFixed(1),
    row.seconds.toFixed(1),
  ]);

/** True when every promise was kept. */
export function printVerdicts(verdicts: readonly Verdict[]): boolean {
  process.stdout.write('\n');
  for (const { promise, kept, measured } of verdicts) {
    process.stdout.write(`${kept ? 'PASS' : 'FAIL'}  ${promise} (${measured})\n`);
  }
  return verdicts.every(({ kept }) => kept);
}
