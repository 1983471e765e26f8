// Tables in Markdown, which a terminal shows as well.

/** Every line has as many cells as there are heads; the first `leftColumns` are aligned left, the others right. */
export function markdownTable(
  heads: readonly string[],
  lines: readonly (readonly string[])[],
  leftColumns: number,
): string {
  const widths = heads.map((head, column) =>
    Math.max(...[head, ...lines.map((line) => line[column] ?? '')].map(width)),
  );
  const rule = widths.map((size, column) => (column < leftColumns ? '-'.repeat(size) : `${'-'.repeat(size - 1)}:`));
  const formatLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column < leftColumns)).join(' | ')} |`;
  return `${[formatLine(heads), formatLine(rule), ...lines.map(formatLine)].join('\n')}\n`;
}

const width = (text: string): number => [...text].length;

function pad(text: string, size: number, left: boolean): string {
  const padding = ' '.repeat(Math.max(0, size - width(text)));
  return left ? text + padding : padding + text;
}
