// The results as Markdown: unique bytes by family, a line for each loss, and what lies behind the numbers.
import { markdownTable } from '../markdown-table.ts';
import {
  bestTool,
  type FamilyResult,
  isMet,
  losses,
  meanChunkBytes,
  OWN,
  REFERENCES,
  type Results,
  ratioTo,
  uniqueBytes,
} from './results.ts';
import type { Stored } from './subjects/subject.ts';

const MEGABYTE = 1e6;
const KIB = 1024;

export function formatResults(results: Results): string {
  const { families, subjects } = results;
  const names = Object.keys(subjects);
  const heads = [
    'family',
    'releases',
    'files',
    'raw',
    ...names,
    '÷ best tool',
    ...REFERENCES.map((name) => `÷ ${name}`),
    'asked for',
  ];
  const lines = families.map((family) => [
    family.title,
    String(family.releases),
    family.files.toLocaleString('en'),
    megabytes(family.rawBytes),
    ...names.map((name) => megabytes(uniqueBytes(family, name))),
    ratioText(ratioTo(family, bestTool(family))),
    ...REFERENCES.map((name) => ratioText(ratioTo(family, name))),
    metText(isMet(family)),
  ]);
  const lost = families.flatMap((family) => losses(family).map((subject) => lossText(family, subject)));
  return [
    `${results.date.slice(0, 10)}, medians of ${results.rounds} rounds: unique megabytes after matching\n`,
    markdownTable(heads, lines, 1),
    ...(lost.length === 0 ? [] : [`${lost.join('\n')}\n`]),
    'Of what is stored: bytes in a chunk (mean), least and most megabytes of the rounds, and megabytes kept beside them\n',
    markdownTable(
      ['family', ...names],
      families.map((family) => detailsOf(family, names)),
      1,
    ),
    `${[...Object.entries(results.machine), ...Object.entries(subjects)].map(([name, text]) => `- ${name}: ${text}`).join('\n')}\n`,
  ].join('\n');
}

const detailsOf = (family: FamilyResult, names: readonly string[]): string[] => [
  family.title,
  ...names.map((name) => {
    const rounds = family.stored[name];
    return rounds === undefined ? '' : `${kibibytes(meanChunkBytes(family, name))}; ${spread(rounds)}${beside(rounds)}`;
  }),
];

function spread(rounds: readonly Stored[]): string {
  const all = rounds.map((round) => round.uniqueBytes);
  const [least, most] = [megabytes(Math.min(...all)), megabytes(Math.max(...all))];
  return least === most ? least : `${least} to ${most}`;
}

function beside([first]: readonly Stored[]): string {
  return first?.otherBytes === undefined ? '' : ` + ${megabytes(first.otherBytes)}`;
}

const lossText = (family: FamilyResult, subject: string): string =>
  `- **Lost: ${family.title}** to ${subject}: ${ratioText(ratioTo(family, subject))} of it, ` +
  `${megabytes(uniqueBytes(family, OWN))} MB where it keeps ${megabytes(uniqueBytes(family, subject))}; chunks of ` +
  `${kibibytes(meanChunkBytes(family, OWN))} and ${kibibytes(meanChunkBytes(family, subject))}`;

const metText = (met: boolean | undefined): string => (met === undefined ? '' : `≤ 1 ${met ? 'met' : 'MISSED'}`);
const ratioText = (ratio: number | undefined): string => (ratio === undefined ? '' : ratio.toFixed(3));
const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '' : (bytes / MEGABYTE).toFixed(2));
const kibibytes = (bytes: number | undefined): string => (bytes === undefined ? '' : `${(bytes / KIB).toFixed(1)} KiB`);
