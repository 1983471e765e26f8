// The ratios as a plot: one bar for each row, its length the logarithm of PacketFS's speed over the baseline's, so that
// twice as fast and half as fast are equally long. Plain SVG, no library.
import type { Results, RowResult } from './results.ts';

const ROW_HEIGHT = 18;
const LABEL_WIDTH = 130;
const PLOT_WIDTH = 520;
const TOP = 44;
const RATIO_MAX = 16;
const TICKS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16];
const COLOURS = { faster: '#2a7f62', slower: '#b8562f', target: '#222222' };

export function plotRatios({ rows, baseline, date }: Results): string {
  const shown = rows.filter((row) => row.ratioToPassthrough !== undefined);
  const height = TOP + shown.length * ROW_HEIGHT + 10;
  const right = LABEL_WIDTH + PLOT_WIDTH;
  const ticks = TICKS.map(
    (ratio) =>
      `<line x1="${xOf(ratio)}" y1="${TOP - 6}" x2="${xOf(ratio)}" y2="${height - 8}" stroke="#ccc"/>` +
      `<text x="${xOf(ratio)}" y="${TOP - 10}" text-anchor="middle">${ratio < 1 ? `1/${1 / ratio}` : ratio}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${right + 70}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<title>Speed of PacketFS over ${baseline}, ${date.slice(0, 10)}</title>`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="8" y="16" font-size="13">Speed of PacketFS over ${baseline}, ${date.slice(0, 10)} (the mark is the target)</text>`,
    ...ticks,
    ...shown.map((row, index) => bar(row, TOP + index * ROW_HEIGHT)),
    '</svg>\n',
  ].join('\n');
}

function bar(row: RowResult, top: number): string {
  const ratio = row.ratioToPassthrough ?? 1;
  const [from, to] = [Math.min(xOf(1), xOf(ratio)), Math.max(xOf(1), xOf(ratio))];
  const middle = top + ROW_HEIGHT / 2 + 4;
  const target = row.target?.against === 'passthrough' ? row.target.ratio : undefined;
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${row.name}</text>`,
    `<rect x="${from}" y="${top + 3}" width="${Math.max(1, to - from).toFixed(1)}" height="${ROW_HEIGHT - 6}" fill="${ratio < 1 ? COLOURS.slower : COLOURS.faster}"/>`,
    target === undefined
      ? ''
      : `<line x1="${xOf(target)}" y1="${top}" x2="${xOf(target)}" y2="${top + ROW_HEIGHT}" stroke="${COLOURS.target}" stroke-width="2"/>`,
    `<text x="${LABEL_WIDTH + PLOT_WIDTH + 10}" y="${middle}">${ratio.toFixed(2)}</text>`,
  ].join('');
}

/** The place of a ratio on the logarithmic axis; what is beyond its ends is drawn at them. */
function xOf(ratio: number): number {
  const bounded = Math.min(RATIO_MAX, Math.max(1 / RATIO_MAX, ratio));
  const share = (Math.log2(bounded) / Math.log2(RATIO_MAX) + 1) / 2;
  return Math.round((LABEL_WIDTH + share * PLOT_WIDTH) * 10) / 10;
}
