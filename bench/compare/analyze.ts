// `make analyze`: of each result of `make compare` and `make compare-large` a table (compare-<profile>.md) and a plot
// (compare-<profile>.svg) beside it. A cell has the medians of the rounds: seconds, megabytes on the wire.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../markdown-table.ts';
import { type Cell, type CompareFile, cellsOf, titleOf } from './cells.ts';
import { plotRows } from './plot.ts';

const [, , directory = 'bench/results'] = process.argv;

function tableOf(cells: readonly Cell[]): string {
  const subjects = [...new Set(cells.map(({ subject }) => subject))];
  const titles = [...new Set(cells.map(({ title }) => title))];
  const lines = titles.map((title) => [
    title,
    ...subjects.map((subject) => {
      const cell = cells.find((one) => one.title === title && one.subject === subject);
      return cell === undefined ? '' : `${cell.seconds.toFixed(2)}, ${megabytesText(cell.megabytes)}`;
    }),
  ]);
  return markdownTable(['row', ...subjects.map((subject) => subject.replaceAll('|', '\\|'))], lines, 1);
}

/** Three digits, but no fewer than a kilobyte. */
function megabytesText(megabytes: number): string {
  if (megabytes >= 100) return megabytes.toFixed(0);
  if (megabytes >= 10) return megabytes.toFixed(1);
  return megabytes >= 1 ? megabytes.toFixed(2) : megabytes.toFixed(3);
}

for (const name of readdirSync(directory)) {
  const match = /^(compare-.+)\.json$/.exec(name);
  if (match === null) continue;
  const file = JSON.parse(readFileSync(join(directory, name), 'utf8')) as CompareFile;
  const cells = cellsOf(file);
  const rounds = Math.max(...file.results.map((one) => one.rounds.length));
  const title = titleOf(file, ', ');
  const date = file.date.slice(0, 10);
  const head = `\`${title}\`, ${date}, medians of ${rounds} rounds: seconds, megabytes on the wire\n\n`;
  writeFileSync(join(directory, `${match[1]}.md`), `${head}${tableOf(cells)}`);
  writeFileSync(join(directory, `${match[1]}.svg`), plotRows(cells, `${title}, ${date}`));
  process.stdout.write(`${match[1]}\n`);
}
