// Runs system calls that Node lacks, in one Python process per test file (probe.py has the helpers).
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export type ProbeValue = string | number | boolean | null | readonly ProbeValue[];

/** A system call failed: `code` as Node's own errors carry it. */
export class ProbeError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the probe failed with ${code}`);
    this.code = code;
  }
}

export class Probe {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterableIterator<string>;

  constructor() {
    const script = fileURLToPath(new URL('probe.py', import.meta.url));
    this.#child = spawn('python3', ['-u', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Runs Python statements with `values` as variables; what they assign to `result` comes back. */
  async run(code: string, values: Readonly<Record<string, ProbeValue>> = {}): Promise<ProbeValue> {
    this.#child.stdin.write(`${JSON.stringify({ code, values })}\n`);
    const line = await this.#answers.next();
    if (line.done) throw new Error('the probe ended');
    const answer = JSON.parse(line.value) as { result?: ProbeValue; errno?: string; problem?: string };
    if (answer.errno !== undefined) throw new ProbeError(answer.errno);
    if (answer.problem !== undefined) throw new Error(answer.problem);
    return answer.result ?? null;
  }

  close(): void {
    this.#child.stdin.end();
    this.#lines.close();
  }
}
