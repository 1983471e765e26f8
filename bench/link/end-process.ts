// One end of a measurement: a program beside this file, as a process in a namespace, which says a word a line when it has
// come so far, may wait for one, and ends with a report as a line of JSON.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { insideNamespace, type NamespaceEnd } from '../../test/support/namespaces.ts';

/** The command of a program, as this file runs: compiled, or with the loader that execArgv names. */
export function commandOf(program: string): readonly string[] {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return [process.execPath, ...process.execArgv, fileURLToPath(new URL(`./${program}${extension}`, import.meta.url))];
}

export class EndProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #closed: Promise<unknown>;
  /** It has ended, and all that it said was read. */
  #isClosed = false;
  readonly #name: string;

  /** Ended by SIGTERM after `limitMs`, if that is given. */
  constructor(program: string, end: NamespaceEnd, parameters: readonly (string | number)[], limitMs?: number) {
    this.#name = [program, ...parameters].join(' ');
    const [command = '', ...rest] = insideNamespace(end, [...commandOf(program), ...parameters.map(String)]);
    this.#child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'], timeout: limitMs });
    this.#child.stdin.on('error', () => {}); // it ended; `said` and `report` tell of that
    this.#closed = once(this.#child, 'close').finally(() => {
      this.#isClosed = true;
      this.#wake();
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
  }

  get hasEnded(): boolean {
    return this.#isClosed;
  }

  /** Resolves once it has said so; rejects when it ended without. */
  said(word: string): Promise<void> {
    return this.#until(() => this.#lines.includes(word), `"${word}"`);
  }

  say(word: string): void {
    this.#child.stdin.write(`${word}\n`);
  }

  /** The line that it answers with; one question at a time. */
  async ask(question: string): Promise<string> {
    const lines = this.#lines.length;
    this.say(question);
    await this.#until(() => this.#lines.length > lines, `an answer to "${question}"`);
    return this.#lines.at(-1) ?? '';
  }

  /** Its last line, once it has ended well. */
  async report(): Promise<unknown> {
    await this.#closed;
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0) throw new Error(`${this.#name} ended with ${exitCode ?? signalCode}`);
    return JSON.parse(this.#lines.at(-1) ?? '');
  }

  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    while (!isSo()) {
      if (this.hasEnded) throw new Error(`${this.#name} ended without ${what}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
