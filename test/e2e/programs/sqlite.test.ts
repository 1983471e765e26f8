// SQLite on the mount, killed in the middle of its transactions, with either kind of journal: the database passes its own
// check, every transaction it acknowledged is there, and none is there in part.
import { spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestNode } from '../../support/cluster.ts';
import { ended, runChecked, waitFor } from '../../support/process.ts';
import { shortOrLong } from '../../support/program-sizes.ts';
import { withNode } from '../../support/with-node.ts';

const KILLS = shortOrLong(2, 25);
/** A transaction writes this many rows, so that one in part would show. */
const ROWS_OF_TRANSACTION = 3;
const TRANSACTIONS_MAX = 5000;
const ACKNOWLEDGED_BEFORE_KILL = shortOrLong(15, 40);
const START_LIMIT_MS = 60_000;

const test = suite('sqlite');

const bodyOf = (id: string): string => `printf('%0600d', ${id})`;

/** The client: begins after what is there, says each transaction's number when COMMIT has returned. */
function writerScript(journal: string, first: number): string {
  const lines = [`PRAGMA journal_mode=${journal};`, 'PRAGMA synchronous=FULL;', 'PRAGMA wal_autocheckpoint=20;'];
  for (let transaction = first; transaction < first + TRANSACTIONS_MAX; transaction++) {
    const rows = Array.from({ length: ROWS_OF_TRANSACTION }, (_, row) => transaction * ROWS_OF_TRANSACTION + row);
    const values = rows.map((id) => `(${id}, ${bodyOf(String(id))})`).join(',');
    lines.push(`BEGIN; INSERT INTO entries VALUES ${values}; COMMIT; SELECT 'acknowledged ${transaction}';`);
  }
  return lines.join('\n');
}

interface Client {
  /** Number of the last transaction that was acknowledged; -1 before the first. */
  readonly last: () => number;
  readonly kill: () => Promise<void>;
}

function startClient(database: string, script: string): Client {
  const child = spawn('stdbuf', ['-oL', 'sqlite3', '-batch', database], { stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (part: Buffer) => {
    output += part.toString();
  });
  child.stdin.on('error', () => {}); // it was killed before it had read all
  child.stdin.end(script);
  return {
    last: () => Number([...output.matchAll(/^acknowledged (\d+)\n/gm)].at(-1)?.[1] ?? -1),
    kill: async () => {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

async function expectSound(database: string, acknowledged: number): Promise<number> {
  const script = [
    'PRAGMA integrity_check;',
    `SELECT count(*) FROM entries WHERE body <> ${bodyOf('id')};`,
    'SELECT count(*) FROM entries;',
    'SELECT coalesce(max(id), -1) + 1 FROM entries;',
  ].join('\n');
  const output = await runChecked('sqlite3', ['-batch', '-bail', database], { input: script });
  const [check, wrong, count = '', end] = output.trim().split('\n');
  assert.is(check, 'ok');
  assert.is(wrong, '0', 'rows with another content');
  assert.is(count, end, 'a transaction is missing before one that is there');
  assert.is(Number(count) % ROWS_OF_TRANSACTION, 0, 'a transaction is there in part');
  const transactions = Number(count) / ROWS_OF_TRANSACTION;
  assert.ok(transactions > acknowledged, `${transactions} transactions, ${acknowledged + 1} acknowledged`);
  return transactions;
}

for (const journal of ['delete', 'wal']) {
  for (const victim of ['client', 'daemon'] as const) {
    test(
      `no acknowledged transaction is lost when the ${victim} is killed, journal_mode=${journal}`,
      withNode((node) => killAgainAndAgain(node, { journal, victim })),
    );
  }
}

async function killAgainAndAgain(
  node: TestNode,
  { journal, victim }: { journal: string; victim: 'client' | 'daemon' },
): Promise<void> {
  const database = node.at('entries.db');
  const create = 'CREATE TABLE entries (id INTEGER PRIMARY KEY, body TEXT);';
  await runChecked('sqlite3', ['-batch', database], { input: `PRAGMA journal_mode=${journal};\n${create}` });
  let first = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const client = startClient(database, writerScript(journal, first));
    const enough = first + ACKNOWLEDGED_BEFORE_KILL;
    await waitFor('transactions', () => (client.last() >= enough ? true : undefined), START_LIMIT_MS);
    if (victim === 'daemon') await node.kill();
    await client.kill();
    const acknowledged = client.last();
    if (victim === 'daemon') await node.start();
    first = await expectSound(database, acknowledged);
  }
}

test.run();
