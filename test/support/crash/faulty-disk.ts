// The faulty disk (disk/main.cc): a directory that behaves like a disk with a volatile cache. Power cuts lose, reorder
// and tear what was not synced; errors and delays come on command.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { isMounted } from '../mounts.ts';
import { ended, run, runChecked, waitFor } from '../process.ts';
import type { Losses, PowerDisk } from './power-disk.ts';
import { FAULTY_DISK } from './programs.ts';

export type DiskOperation =
  | 'write'
  | 'fsync'
  | 'fsyncdir'
  | 'allocate'
  | 'create'
  | 'mkdir'
  | 'unlink'
  | 'rename'
  | 'truncate'
  | 'read'
  | 'open'
  | '*';

export interface Fault {
  readonly operation: DiskOperation;
  /** As fnmatch(3) takes it, on the path below the mount; `*` matches slashes too. */
  readonly pattern: string;
  readonly error: 'EIO' | 'ENOSPC';
  /** Operations that still go well. */
  readonly skip?: number;
  /** Operations that then fail; without it all do. */
  readonly times?: number;
}

export class FaultyDisk implements PowerDisk {
  readonly mountPoint: string;
  readonly #backing: string;
  #process: ChildProcessByStdio<Writable, Readable, null> | undefined;
  readonly #waiting: ((line: string) => void)[] = [];
  /** Patterns of files whose syncs lie, for as long as there is this disk: its process ends with each power cut. */
  readonly #lies: string[] = [];

  constructor(directory: string) {
    this.mountPoint = join(directory, 'disk');
    this.#backing = join(directory, 'backing');
    mkdirSync(this.mountPoint, { recursive: true });
    mkdirSync(this.#backing, { recursive: true });
  }

  async start(): Promise<void> {
    const child = spawn(FAULTY_DISK, [this.#backing, this.mountPoint], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#waiting.shift()?.(line));
    await waitFor(`the disk at ${this.mountPoint}`, () => (isMounted(this.mountPoint) ? true : undefined));
    for (const pattern of this.#lies) await this.#sayLie(pattern);
  }

  fail({ operation, pattern, error, skip = 0, times = -1 }: Fault): Promise<string> {
    return this.#command(`fault ${operation} ${pattern} ${constants.errno[error]} ${skip} ${times}`);
  }

  delay(operation: DiskOperation, pattern: string, microseconds: number): Promise<string> {
    return this.#command(`delay ${operation} ${pattern} ${microseconds}`);
  }

  /** Syncs of these files succeed and do nothing, after power cuts too. */
  lie(pattern: string): Promise<string> {
    this.#lies.push(pattern);
    return this.#sayLie(pattern);
  }

  clear(): Promise<string> {
    return this.#command('clear');
  }

  /** Operations so far, by their name. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const words = (await this.#command('counts')).split(' ').slice(1);
    return new Map(words.map((word) => [word.split('=')[0] ?? '', Number(word.split('=')[1])]));
  }

  stopPower(): Promise<string> {
    return this.#command('stop');
  }

  async cut(seed: number): Promise<Losses> {
    const answer = await this.#command(`cut random ${seed}`);
    await this.close();
    await this.start();
    const [, sectors, names] = /sectors=(\d+) names=(\d+)/.exec(answer) ?? [];
    return { sectors: Number(sectors), names: Number(names) };
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    await runChecked('umount', [this.mountPoint]).catch(async () => {
      await run('umount', ['-l', this.mountPoint]); // a test that failed has it open still
      child.kill('SIGKILL');
    });
    await ended(child);
  }

  #sayLie(pattern: string): Promise<string> {
    return this.#command(`lie fsync ${pattern}`);
  }

  async #command(line: string): Promise<string> {
    const child = this.#process;
    if (child === undefined) throw new Error('the disk is not mounted');
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the disk has ended with ${child.exitCode ?? child.signalCode}`);
    }
    const answered = new Promise<string>((resolve, reject) => {
      this.#waiting.push(resolve);
      child.once('exit', () => reject(new Error('the disk has ended')));
    });
    child.stdin.write(`${line}\n`);
    const answer = await answered;
    if (!answer.startsWith('ok')) throw new Error(answer);
    return answer;
  }
}
