// A mount served by a child process (memory-mount.ts), for tests that exercise it from this one: a process never touches
// the mount it serves.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite, type uvu } from 'uvu';
import { unmountBelow } from './mounts.ts';
import { ended, waitFor } from './process.ts';

const SERVER = fileURLToPath(new URL('./memory-mount.ts', import.meta.url));

export class ServedMount {
  readonly mountPoint: string;
  readonly #directory: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];

  static async start(backend: 'libfuse3' | 'fuse-native' = 'libfuse3'): Promise<ServedMount> {
    const served = new ServedMount(backend);
    await served.line((line) => line === 'ready');
    return served;
  }

  private constructor(backend: string) {
    this.#directory = mkdtempSync(join(tmpdir(), 'pfs-mount-'));
    this.mountPoint = join(this.#directory, 'mnt');
    const blobDirectory = join(this.#directory, 'blob');
    mkdirSync(this.mountPoint);
    mkdirSync(blobDirectory);
    this.#child = spawn(process.execPath, ['--import', 'tsx', SERVER, this.mountPoint, backend, blobDirectory]);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#lines.push(line));
    this.#child.stderr.pipe(process.stderr);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  path(name: string): string {
    return join(this.mountPoint, name);
  }

  send(command: string): void {
    this.#child.stdin.write(`${command}\n`);
  }

  /** The first line that fits, waited for. */
  async line(fits: (line: string) => boolean): Promise<string> {
    return await waitFor('a line of the serving process', () => this.#lines.find(fits));
  }

  async counters(): Promise<Record<string, number>> {
    const before = this.#lines.length;
    this.send('counters');
    const line = await waitFor('the counters', () => this.#lines.slice(before).find((text) => text.startsWith('{')));
    return JSON.parse(line) as Record<string, number>;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Exit code, or the signal that ended the process. */
  async exit(): Promise<number | NodeJS.Signals | null> {
    await ended(this.#child);
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async remove(): Promise<void> {
    await unmountBelow(this.#directory);
    this.#child.kill('SIGKILL');
    await ended(this.#child);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A suite each of whose tests has a mount of its own. */
export function suiteOfMount(name: string): uvu.Test<{ served: ServedMount }> {
  const tests = suite<{ served: ServedMount }>(name);
  tests.before.each(async (context) => {
    context.served = await ServedMount.start();
  });
  tests.after.each(async ({ served }) => {
    await served.remove();
  });
  return tests;
}
