// A comparison as a plot: for each row two lines, seconds and megabytes on the wire, with a mark for each tool on a
// logarithmic axis, PacketFS filled. Plain SVG, no library.
import type { Cell } from './cells.ts';

const ROW_HEIGHT = 26;
const LABEL_WIDTH = 190;
const PANEL_WIDTH = 380;
const GAP = 40;
const TOP = 60;
const RADIUS = 5;
const COLOURS = [
  '#2a7f62',
  '#b8562f',
  '#3b6fb6',
  '#8a5a9e',
  '#c49a2c',
  '#777777',
  '#444444',
  '#d1495b',
  '#5b8e7d',
  '#e3a6b0',
  '#00798c',
  '#a0c4a8',
];
const COLOUR_OTHER = '#999999';

interface Panel {
  readonly title: string;
  readonly left: number;
  readonly from: number;
  readonly to: number;
  readonly of: (cell: Cell) => number;
}

export function plotRows(cells: readonly Cell[], title: string): string {
  const subjects = [...new Set(cells.map(({ subject }) => subject))];
  const titles = [...new Set(cells.map((cell) => cell.title))];
  const panels = [
    panelOf(cells, 'seconds', LABEL_WIDTH, ({ seconds }) => seconds),
    panelOf(cells, 'megabytes on the wire', LABEL_WIDTH + PANEL_WIDTH + GAP, ({ megabytes }) => megabytes),
  ];
  const bottom = TOP + titles.length * ROW_HEIGHT;
  const width = LABEL_WIDTH + 2 * PANEL_WIDTH + GAP + 20;
  const colourOf = (subject: string): string => COLOURS[subjects.indexOf(subject)] ?? COLOUR_OTHER;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 20 + 16 * Math.ceil(subjects.length / 4)}" font-family="sans-serif" font-size="11">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="8" y="18" font-size="13">${escaped(title)}</text>`,
    ...panels.flatMap((panel) => axis(panel, bottom)),
    ...titles.flatMap((row, index) => {
      const y = TOP + index * ROW_HEIGHT + ROW_HEIGHT / 2;
      const here = cells.filter((cell) => cell.title === row).reverse();
      const marks = panels.flatMap((panel) => here.map((cell) => mark(panel, cell, y, colourOf(cell.subject))));
      return [`<text x="${LABEL_WIDTH - 12}" y="${y + 4}" text-anchor="end">${escaped(row)}</text>`, ...marks];
    }),
    ...subjects.map((subject, index) => legend(subject, index, bottom, colourOf(subject))),
    '</svg>\n',
  ].join('\n');
}

function panelOf(cells: readonly Cell[], title: string, left: number, of: (cell: Cell) => number): Panel {
  const values = cells.map(of);
  const from = Math.floor(Math.log10(Math.min(...values)));
  return { title, left, from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)))), of };
}

function axis(panel: Panel, bottom: number): string[] {
  const powers = Array.from({ length: panel.to - panel.from + 1 }, (_, index) => panel.from + index);
  return [
    `<text x="${panel.left}" y="${TOP - 24}">${panel.title}</text>`,
    ...powers.flatMap((power) => [
      `<line x1="${xOf(panel, 10 ** power)}" y1="${TOP - 6}" x2="${xOf(panel, 10 ** power)}" y2="${bottom}" stroke="#ddd"/>`,
      `<text x="${xOf(panel, 10 ** power)}" y="${TOP - 10}" text-anchor="middle">${10 ** power}</text>`,
    ]),
  ];
}

function mark(panel: Panel, cell: Cell, y: number, colour: string): string {
  const fill = cell.subject === 'packetfs' ? colour : 'none';
  const what = `${cell.subject}: ${cell.seconds.toFixed(2)} s, ${cell.megabytes.toFixed(3)} MB`;
  return `<circle cx="${xOf(panel, panel.of(cell))}" cy="${y}" r="${RADIUS}" fill="${fill}" stroke="${colour}" stroke-width="2"><title>${escaped(what)}</title></circle>`;
}

function legend(subject: string, index: number, bottom: number, colour: string): string {
  const [x, y] = [LABEL_WIDTH + (index % 4) * 200, bottom + 18 + 16 * Math.floor(index / 4)];
  const fill = subject === 'packetfs' ? colour : 'none';
  return `<circle cx="${x}" cy="${y - 4}" r="${RADIUS}" fill="${fill}" stroke="${colour}" stroke-width="2"/><text x="${x + 10}" y="${y}">${escaped(subject)}</text>`;
}

/** The place of a value on the panel's logarithmic axis. */
function xOf(panel: Panel, value: number): string {
  const share = (Math.log10(value) - panel.from) / (panel.to - panel.from);
  return (panel.left + share * PANEL_WIDTH).toFixed(1);
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
