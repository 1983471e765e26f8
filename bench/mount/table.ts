// The results as a table, and the targets that were met and missed.
import { markdownTable } from '../markdown-table.ts';
import type { Unit } from './group.ts';
import type { Results, RowResult } from './results.ts';

const MIB = 1024 * 1024;

export function formatTable({ rows, subjects, baseline }: Results): string {
  const names = Object.keys(subjects);
  const heads = ['row', 'unit', ...names, `÷ ${baseline}`, '÷ disk', 'target'];
  const lines = rows.map((row) => [
    row.name,
    shownUnit(row.unit),
    ...names.map((name) => formatValue(row.unit, row.subjects[name]?.median)),
    formatRatio(row.ratioToPassthrough),
    formatRatio(row.ratioToDisk),
    formatTarget(row),
  ]);
  return markdownTable(heads, lines, 2);
}

export const shownUnit = (unit: Unit): string => ({ 'bytes/s': 'MiB/s', 'operations/s': '1/s', seconds: 's' })[unit];

export function formatValue(unit: Unit, value: number | undefined): string {
  if (value === undefined) return '';
  if (unit === 'seconds') return value.toFixed(2);
  const shown = unit === 'bytes/s' ? value / MIB : value;
  return shown < 10 ? shown.toFixed(1) : Math.round(shown).toLocaleString('en');
}

const formatRatio = (ratio: number | undefined): string => (ratio === undefined ? '' : ratio.toFixed(2));

function formatTarget({ target }: RowResult): string {
  if (target === undefined) return '';
  return `≥ ${target.ratio}${target.against === 'disk' ? ' disk' : ''} ${target.met ? 'met' : 'MISSED'}`;
}
