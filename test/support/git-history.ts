// A git repository of any number of commits, made by git's own fast-import from a seed: text files that grow, change and
// go, so that packing finds deltas and history has something to say. The same seed gives the same commit.
import { runChecked } from './process.ts';
import { seededRandom } from './seeded-random.ts';

const FILES_PER_DIRECTORY = 50;
const LINES_MIN = 10;
const LINES_MORE_MAX = 60;
const FIRST_COMMIT_SECONDS = 1_600_000_000;
const IMPORT_LIMIT_MS = 300_000;
const WORDS = 'address blob chunk commit extent hash inode journal literal log node offset peer segment volume'.split(
  ' ',
);

export interface HistoryOptions {
  readonly commits: number;
  readonly files: number;
  readonly seed: number;
}

/** Makes a bare repository with one branch, `main`. */
export async function makeRepository(directory: string, options: HistoryOptions): Promise<void> {
  await runChecked('git', ['init', '--quiet', '--bare', '--initial-branch=main', directory]);
  await runChecked('git', ['-C', directory, 'fast-import', '--quiet'], {
    input: historyStream(options),
    limitMs: IMPORT_LIMIT_MS,
  });
}

/** The first commit adds every file, each other one rewrites one to three of them. */
export function historyStream({ commits, files, seed }: HistoryOptions): string {
  const random = seededRandom(seed);
  const parts: string[] = [];
  for (let commit = 0; commit < commits; commit++) {
    const changed =
      commit === 0
        ? Array.from({ length: files }, (_, file) => file)
        : Array.from({ length: 1 + random.below(3) }, () => random.below(files));
    parts.push(commitHeader(commit));
    for (const file of new Set(changed)) parts.push(fileChange(file, textOf(random)));
  }
  return parts.join('');
}

function commitHeader(commit: number): string {
  const message = `Change ${commit}\n`;
  return [
    'commit refs/heads/main\n',
    `committer Bench <bench@example.org> ${FIRST_COMMIT_SECONDS + commit * 60} +0000\n`,
    `data ${message.length}\n${message}`,
  ].join('');
}

const fileChange = (file: number, text: string): string =>
  `M 100644 inline directory-${Math.floor(file / FILES_PER_DIRECTORY)}/file-${file}.txt\ndata ${text.length}\n${text}\n`;

function textOf(random: ReturnType<typeof seededRandom>): string {
  const lines = LINES_MIN + random.below(LINES_MORE_MAX);
  return Array.from({ length: lines }, () => lineOf(random)).join('');
}

const lineOf = (random: ReturnType<typeof seededRandom>): string =>
  `${Array.from({ length: 3 + random.below(6) }, () => WORDS[random.below(WORDS.length)]).join(' ')} ${random.below(1_000_000)}\n`;
