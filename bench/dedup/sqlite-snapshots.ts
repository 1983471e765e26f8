// Copies of an SQLite database between which it was worked with: a table of messages with an index, of which some are
// added, fewer changed and some removed. A seed decides all of it, so every run makes the same rows.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../test/support/process.ts';
import { type SeededRandom, seededRandom } from '../../test/support/seeded-random.ts';

const SEED = 20261129;
const LIMIT_MS = 300_000;
const AUTHORS = 500;
const WORDS_IN_ALL = 5000;
const WORDS_MOST = 80;
const WORD_LETTERS_MOST = 10;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Of the rows, between two snapshots. */
const ADDED = 0.02;
const CHANGED = 0.004;
const REMOVED = 0.002;

export interface SnapshotSizes {
  readonly rows: number;
  readonly snapshots: number;
}

/** Each in a directory of its own; the paths of these. */
export async function makeSnapshots(directory: string, { rows, snapshots }: SnapshotSizes): Promise<string[]> {
  const random = seededRandom(SEED);
  const words = Array.from({ length: WORDS_IN_ALL }, () => wordOf(random));
  const live = join(directory, 'live.sqlite');
  let last = 0;
  const inserts = (count: number): string[] => Array.from({ length: count }, () => insert(++last, words, random));
  const schema =
    'CREATE TABLE message (id INTEGER PRIMARY KEY, author INTEGER, text TEXT); CREATE INDEX by_author ON message (author);';
  await execute(live, [schema, ...inserts(rows)]);
  const paths: string[] = [];
  for (let number = 1; number <= snapshots; number++) {
    if (number > 1) {
      const some = (share: number): number[] => Array.from({ length: rows * share }, () => 1 + random.below(last));
      const updates = some(CHANGED).map(
        (id) => `UPDATE message SET text = '${textOf(words, random)}' WHERE id = ${id};`,
      );
      const deletes = some(REMOVED).map((id) => `DELETE FROM message WHERE id = ${id};`);
      await execute(live, [...updates, ...deletes, ...inserts(rows * ADDED)]);
    }
    const path = join(directory, String(number));
    mkdirSync(path);
    await runChecked('cp', [live, join(path, 'database.sqlite')]);
    paths.push(path);
  }
  return paths;
}

/** In one transaction. */
async function execute(database: string, statements: readonly string[]): Promise<void> {
  const input = ['BEGIN;', ...statements, 'COMMIT;'].join('\n');
  await runChecked('sqlite3', ['-bail', database], { input, limitMs: LIMIT_MS });
}

const insert = (id: number, words: readonly string[], random: SeededRandom): string =>
  `INSERT INTO message VALUES (${id}, ${random.below(AUTHORS)}, '${textOf(words, random)}');`;

const textOf = (words: readonly string[], random: SeededRandom): string =>
  Array.from({ length: 1 + random.below(WORDS_MOST) }, () => words[random.below(words.length)]).join(' ');

const wordOf = (random: SeededRandom): string =>
  Array.from({ length: 1 + random.below(WORD_LETTERS_MOST) }, () => LETTERS[random.below(LETTERS.length)]).join('');
