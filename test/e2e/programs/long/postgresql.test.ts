// PostgreSQL on the mount, with checksums on: initdb, pgbench, and recovery after the server alone, and with it the
// daemon below it, was killed in the middle. pgbench's books balance whatever was lost, and no transaction that was seen
// committed is missing from its history.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestNode } from '../../../support/cluster.ts';
import { ended, run, runChecked, waitFor } from '../../../support/process.ts';
import { withNode } from '../../../support/with-node.ts';

const KILLS = 3;
const LIMIT_MS = 300_000;
const TRANSACTIONS_BEFORE_KILL = 100;
const INSTALLED = '/usr/lib/postgresql';

const test = suite('postgresql');

/** One server; it and its programs run as the user postgres, since it refuses to be root. */
class Server {
  readonly #node: TestNode;
  readonly #programs: string;
  readonly #sockets = mkdtempSync('/tmp/pfs-postgresql-'); // the path of a socket must be short
  readonly #data: string;

  constructor(node: TestNode) {
    const versions = readdirSync(INSTALLED).map(Number);
    this.#programs = join(INSTALLED, String(Math.max(...versions)), 'bin');
    this.#node = node;
    this.#data = node.at('postgresql', 'data');
  }

  async initialize(): Promise<void> {
    for (const directory of [this.#node.at('postgresql'), this.#sockets]) {
      await runChecked('install', ['-d', '-o', 'postgres', '-g', 'postgres', '-m', '700', directory]);
    }
    await this.#run('initdb', '--data-checksums', '-D', this.#data);
    await this.start();
    await this.#run('pgbench', '-h', this.#sockets, '-i', '-q', '-s', '2', 'postgres');
  }

  async start(): Promise<void> {
    const log = this.#node.at('postgresql', 'log');
    const options = `-k ${this.#sockets} -h ''`;
    await this.#run('pg_ctl', '-D', this.#data, '-l', log, '-w', '-t', '120', '-o', options, 'start');
  }

  /** Four clients that transfer until the server goes. */
  load(): ChildProcess {
    const [command = '', ...rest] = this.#command('pgbench', [
      ...['-n', '-h', this.#sockets, '-c', '4', '-T', '600', 'postgres'],
    ]);
    return spawn(command, rest, { stdio: 'ignore', cwd: '/' });
  }

  /** Kills the server with all its processes, the daemon first where it is to go too, and starts both again. */
  async crash(victim: 'server' | 'daemon'): Promise<void> {
    const lock = join(this.#data, 'postmaster.pid');
    const id = readFileSync(lock, 'utf8').split('\n')[0] ?? '';
    const children = (await run('pgrep', ['-P', id])).stdout.trim().split('\n');
    if (victim === 'daemon') await this.#node.kill();
    await run('kill', ['-KILL', id, ...children]);
    await waitFor('the server to end', async () => ((await run('kill', ['-0', id])).code === 0 ? undefined : true));
    if (victim === 'daemon') await this.#node.start();
    rmSync(lock, { force: true }); // it names a process, and another may have that number by now
    await this.start();
  }

  async query(text: string): Promise<string> {
    return (await this.#run('psql', '-h', this.#sockets, '-X', '-A', '-t', '-c', text, 'postgres')).trim();
  }

  /** Ends the server; then every page of every table and index is read against its checksum. */
  async stopAndCheck(): Promise<void> {
    await this.#run('pg_ctl', '-D', this.#data, '-w', '-m', 'fast', 'stop');
    await this.#run('pg_checksums', '--check', '-D', this.#data);
    rmSync(this.#sockets, { recursive: true });
  }

  #run(program: string, ...parameters: readonly string[]): Promise<string> {
    const [command = '', ...rest] = this.#command(program, parameters);
    return runChecked(command, rest, { limitMs: LIMIT_MS, directory: '/' });
  }

  #command(program: string, parameters: readonly string[]): string[] {
    const identity = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'];
    return ['setpriv', ...identity, join(this.#programs, program), ...parameters];
  }
}

const committed = async (server: Server): Promise<number> =>
  Number(await server.query('SELECT count(*) FROM pgbench_history'));

async function expectBalanced(server: Server): Promise<void> {
  const sums = await server.query(
    `SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
            (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history)`,
  );
  assert.is(new Set(sums.split('|')).size, 1, `accounts, tellers, branches and history differ: ${sums}`);
}

for (const victim of ['server', 'daemon'] as const) {
  test(
    `the books balance and no committed transaction is lost when the ${victim} is killed`,
    withNode(async (node) => {
      const server = new Server(node);
      await server.initialize();
      for (let kill = 0; kill < KILLS; kill++) {
        const enough = (await committed(server)) + TRANSACTIONS_BEFORE_KILL;
        const load = server.load();
        const before = await waitFor('transactions', async () => {
          const count = await committed(server);
          return count >= enough ? count : undefined;
        });
        await server.crash(victim);
        await ended(load);
        assert.ok((await committed(server)) >= before);
        await expectBalanced(server);
      }
      await server.stopAndCheck();
    }),
  );
}

test.run();
