// The receiving end of a transfer that is attacked (hostile-end.ts), as the attack's director sees it: a process that is
// asked for its state.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { insideNamespace } from '../../test/support/namespaces.ts';
import { commandOf } from './end-process.ts';
import type { HostileEndStatus, RecordedDatagrams } from './hostile-end.ts';
import type { EmulatedLink } from './lab.ts';

const SAMPLE_MS = 250;

/** What happened between two looks at the receiver. */
export interface Stretch<Result = unknown> {
  readonly result: Result;
  readonly after: HostileEndStatus;
  readonly bitsPerSecond: number;
  readonly load: number;
  readonly residentBytesMost: number;
}

export class HostileReceiver {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
  }

  /** Resolves once it listens. */
  static async start({ a, b }: EmulatedLink, port: number): Promise<HostileReceiver> {
    const command = insideNamespace(b, [...commandOf('hostile-end'), b.address, String(port), a.address]);
    const [program = '', ...parameters] = command;
    const receiver = new HostileReceiver(spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await once(receiver.#lines, 'line');
    return receiver;
  }

  async status(): Promise<HostileEndStatus> {
    return (await this.#ask('status')) as HostileEndStatus;
  }

  async record(): Promise<void> {
    await this.#ask('record');
  }

  async recorded(): Promise<{ received: Uint8Array[]; sent: Uint8Array[]; peerPort: number }> {
    const { received, sent, peerPort } = (await this.#ask('recorded')) as RecordedDatagrams;
    const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
    return { received: received.map(bytesOf), sent: sent.map(bytesOf), peerPort };
  }

  /** Looks at the receiver before, now and then, and after. */
  async during<Result>(work: Promise<Result>): Promise<Stretch<Result>> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    const before = await this.status();
    let last = before;
    let residentBytesMost = 0;
    while (!isOver) {
      await Promise.race([over, sleep(SAMPLE_MS)]);
      last = await this.status();
      residentBytesMost = Math.max(residentBytesMost, last.residentBytes);
    }
    const seconds = last.atSeconds - before.atSeconds;
    return {
      result: await over,
      after: last,
      bitsPerSecond: (8 * (last.bytes - before.bytes)) / seconds,
      load: (last.cpuSeconds - before.cpuSeconds) / seconds,
      residentBytesMost,
    };
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }

  async #ask(question: string): Promise<unknown> {
    const answer = once(this.#lines, 'line');
    this.#child.stdin.write(`${question}\n`);
    const [line] = (await answer) as [string];
    return JSON.parse(line);
  }
}
