// The receiving end of a transfer that is attacked (hostile-end.ts), as the attack's director sees it: a process that is
// asked for its state.
import { setTimeout as sleep } from 'node:timers/promises';
import { EndProcess } from './end-process.ts';
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
  readonly #process: EndProcess;

  private constructor(process: EndProcess) {
    this.#process = process;
  }

  /** Resolves once it listens. */
  static async start({ a, b }: EmulatedLink, port: number): Promise<HostileReceiver> {
    const receiver = new HostileReceiver(new EndProcess('hostile-end', b, [b.address, port, a.address]));
    await receiver.#process.said('ready');
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

  end(): Promise<void> {
    return this.#process.end();
  }

  async #ask(question: string): Promise<unknown> {
    return JSON.parse(await this.#process.ask(question));
  }
}
