// Transactions per second of SQLite, one row each, synced to the disk (synchronous=FULL), with a rollback journal and
// with a write-ahead log. The database is checked at the end.
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import { type Context, type Group, secondsOf } from '../group.ts';

const LIMIT_MS = 300_000;
const MODES = ['delete', 'wal'] as const;
const ROW_BYTES = 200;
const rowName = (mode: string): string => (mode === 'wal' ? 'sqlite-wal' : 'sqlite-rollback');

export const sqliteGroup: Group = {
  name: 'sqlite',
  warmsUp: true,
  rows: MODES.map((mode) => ({ name: rowName(mode), unit: 'operations/s' as const })),
  measure: async (context) => {
    const rates = new Map<string, number>();
    for (const mode of MODES) {
      if (context.wants(rowName(mode))) rates.set(rowName(mode), await transactionsPerSecond(context, mode));
    }
    return rates;
  },
};

async function transactionsPerSecond({ work, sizes }: Context, mode: string): Promise<number> {
  const database = join(work, `${mode}.db`);
  const create = 'CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB);';
  await sqlite(database, `PRAGMA journal_mode=${mode}; ${create}`);
  const insert = `INSERT INTO entries (body) VALUES (randomblob(${ROW_BYTES}));\n`;
  const script = `PRAGMA journal_mode=${mode};\nPRAGMA synchronous=FULL;\n${insert.repeat(sizes.transactions)}`;
  const seconds = await secondsOf(() => sqlite(database, script));
  const check = await sqlite(database, 'PRAGMA integrity_check; SELECT count(*) FROM entries;');
  if (check !== `ok\n${sizes.transactions}\n`) throw new Error(`sqlite's check of ${database}: ${check}`);
  return sizes.transactions / seconds;
}

const sqlite = (database: string, script: string): Promise<string> =>
  runChecked('sqlite3', ['-batch', '-bail', database], { input: script, limitMs: LIMIT_MS });
