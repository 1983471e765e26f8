// Seeds as text.
import type { SeedsStatus } from '../control/methods.ts';
import { formatBytes } from './units.ts';

const PROBLEMS_SHOWN = 10;

export function formatSeeds({ directories, chunks, memoryBytes, bytesFilled }: SeedsStatus): string {
  if (directories.length === 0) return 'no seeds; add a directory with `pfs seed DIR`\n';
  const lines = directories.flatMap((directory) => [
    `${directory.path}: ${describe(directory)}`,
    ...problemsOf(directory),
  ]);
  lines.push(
    `${chunks} chunks in ${formatBytes(memoryBytes)} of memory; ${formatBytes(bytesFilled)} did not have to come`,
  );
  return `${lines.join('\n')}\n`;
}

function describe({ state, files, bytes, reason }: SeedsStatus['directories'][number]): string {
  const read = `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`;
  if (state === 'ready') return read;
  return reason === '' ? `${state}, ${read} so far` : `${state}: ${reason}`;
}

function problemsOf({ problemCount, problems }: SeedsStatus['directories'][number]): string[] {
  if (problemCount === 0) return [];
  const shown = problems.slice(0, PROBLEMS_SHOWN).map((problem) => `  ${problem}`);
  return [`  ${problemCount} could not be read:`, ...shown];
}
