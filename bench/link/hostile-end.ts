// The receiving end of a transfer that is attacked, as a process of its own:
//   hostile-end ADDRESS PORT PEER_ADDRESS
// prints "ready", then answers each line on its standard input with one line of JSON, and ends with its input:
//   status     HostileEndStatus
//   record     begins to record anew what the peer sends here and what is sent to it, datagrams as they are on the wire
//   recorded   RecordedDatagrams
import { createInterface } from 'node:readline';
import { native } from '../../src/addon/addon.ts';
import type { NativeUdpSocket, ReceivedBatch } from '../../src/addon/native.ts';
import { systemClock } from '../../src/daemon/system.ts';
import { createLabDriver } from './lab-driver.ts';

/** In each direction. */
const RECORDED_MAX = 2000;

export interface HostileEndStatus {
  readonly atSeconds: number;
  /** Bodies of blocks that arrived, of all connections. */
  readonly bytes: number;
  readonly connectionsOpened: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly socket: Readonly<Record<string, number>>;
}

/** Base64; `peerPort` is the one that the peer sends from. */
export interface RecordedDatagrams {
  readonly received: readonly string[];
  readonly sent: readonly string[];
  readonly peerPort: number;
}

/** The daemon's socket, with a record of what passes between the peer and it. */
class RecordingSocket implements NativeUdpSocket {
  readonly #inner = native.createUdpSocket();
  readonly #peer: string;
  #received: string[] = [];
  #sent: string[] = [];
  #peerPort = 0;

  constructor(peer: string) {
    this.#peer = peer;
  }

  record(): void {
    this.#received = [];
    this.#sent = [];
  }

  recorded(): RecordedDatagrams {
    return { received: this.#received, sent: this.#sent, peerPort: this.#peerPort };
  }

  bind(address: string, port: number): { address: string; port: number } {
    return this.#inner.bind(address, port);
  }

  start(onBatch: (batch: ReceivedBatch) => void, onError: (errno: number) => void): void {
    this.#inner.start((batch) => {
      if (this.#received.length < RECORDED_MAX) this.#recordBatch(batch);
      onBatch(batch);
    }, onError);
  }

  send(options: Parameters<NativeUdpSocket['send']>[0]): number {
    for (let at = 0; this.#sent.length < RECORDED_MAX && at < options.datagrams.length; at += 2) {
      this.#sent.push(textOf(options.bytes, options.datagrams[at] ?? 0, options.datagrams[at + 1] ?? 0));
    }
    return this.#inner.send(options);
  }

  counters(): Readonly<Record<string, number>> {
    return this.#inner.counters();
  }

  close(): void {
    this.#inner.close();
  }

  /** Before they are opened in place. */
  #recordBatch({ bytes, datagrams, sources }: ReceivedBatch): void {
    for (let at = 0; at < datagrams.length; at += 3) {
      const source = sources[datagrams[at + 2] ?? 0];
      if (source?.address !== this.#peer || this.#received.length >= RECORDED_MAX) continue;
      this.#received.push(textOf(bytes, datagrams[at] ?? 0, datagrams[at + 1] ?? 0));
      this.#peerPort = source.port;
    }
  }
}

const textOf = (bytes: Uint8Array, offset: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('base64');

const [address = '', port = '', peer = ''] = process.argv.slice(2);
const socket = new RecordingSocket(peer);
const driver = createLabDriver('receive', { address, port: Number(port) }, { socket });
let bytes = 0;
let connectionsOpened = 0;
driver.onLink((_link, register) => {
  connectionsOpened += 1;
  register({
    onMessage: () => {},
    onBlock: (_header, body) => {
      bytes += body.length;
    },
    onDrain: () => {},
    onClosed: () => {},
  });
});
driver.start();
process.stdout.write('ready\n');

const status = (): HostileEndStatus => {
  const { user, system } = process.cpuUsage();
  const { counters, socket: socketCounters } = driver.status();
  return {
    atSeconds: systemClock.monotonic() / 1000,
    bytes,
    connectionsOpened,
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    counters,
    socket: socketCounters,
  };
};

const answers: Readonly<Record<string, () => unknown>> = {
  status,
  record: () => socket.record(),
  recorded: () => socket.recorded(),
};

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => process.stdout.write(`${JSON.stringify(answers[line]?.() ?? {})}\n`));
lines.on('close', () => {
  driver.close();
  process.exit(0);
});
