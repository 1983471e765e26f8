// The transport on real sockets of the loopback, with the native addon: bulk rate between two processes, reconnection,
// refusal, names that do not resolve.
import { type ChildProcess, spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { silentLogger } from '../../../src/base/clock.ts';
import { systemClock, systemRandom } from '../../../src/daemon/system.ts';
import { TransportDriver } from '../../../src/daemon/transport-driver.ts';
import type { TransportDriverOptions, TransportLink } from '../../../src/daemon/transport-link.ts';
import { keyPairOf } from '../../../src/transport/primitives.ts';

const test = suite('transport driver');

const TRANSFER = fileURLToPath(new URL('../../support/transport-transfer.ts', import.meta.url));
const TRANSFER_BYTES = 200 * 1024 * 1024;
/** Below half of what one core does (250 MB/s). Counted per CPU second, because the machine may be shared. */
const MEGABYTES_PER_CPU_SECOND_MIN = 80;

const secretOf = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const publicKeyOf = (seed: number): Uint8Array => keyPairOf(secretOf(seed)).publicKey;

interface Node {
  readonly driver: TransportDriver;
  readonly links: TransportLink[];
  readonly messages: string[];
  readonly closures: string[];
}

const createDriver = (seed: number, changes: Partial<TransportDriverOptions> = {}): TransportDriver =>
  new TransportDriver({
    socket: native.createUdpSocket(),
    createAead: native.createAead,
    aesGcm: native.capabilities().aesGcm,
    listen: { address: '127.0.0.1', port: 0 },
    secretKey: secretOf(seed),
    volumeId: new Uint8Array(16),
    volumeSecret: new Uint8Array(32),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    authorize: () => 'accept',
    ...changes,
  });

const createNode = (seed: number, changes: Partial<TransportDriverOptions> = {}): Node => {
  const driver = createDriver(seed, changes);
  const node: Node = { driver, links: [], messages: [], closures: [] };
  driver.onLink((link, register) => {
    node.links.push(link);
    register({
      onMessage: (_channel, bytes) => node.messages.push(Buffer.from(bytes).toString()),
      onBlock: (header, body) => node.messages.push(`${header.length}+${body.length}`),
      onDrain: () => {},
      onClosed: (reason) => node.closures.push(reason),
    });
  });
  return node;
};

/** Waits on real sockets, in steps short enough not to matter. */
const until = async (condition: () => boolean, what: string): Promise<void> => {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', TRANSFER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

const outputOf = (child: ChildProcess, complete: (text: string) => boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (part) => {
      text += String(part);
      if (complete(text)) resolve(text);
    });
    child.once('exit', () => (complete(text) ? resolve(text) : reject(new Error(`the child ended: ${text}`))));
  });

test('200 MB of blocks go from one process to another, at the printed rate', async () => {
  const receiver = start(['receive']);
  try {
    const port = (await outputOf(receiver, (text) => text.includes('\n'))).trim();
    const sender = start(['send', port, String(TRANSFER_BYTES)]);
    const report = JSON.parse(await outputOf(sender, (text) => text.includes('\n')));
    const rate: number = report.megabytesPerSecond;
    const { cpuMs, received } = report;
    console.log(
      `${Math.round(rate)} MB/s, CPU ${Math.round(cpuMs)} ms sending, ${Math.round(received.cpuMs)} ms receiving`,
    );
    assert.is(received.blocks, 200);
    assert.is(received.wrong, 0);
    const busiest = Math.max(cpuMs, received.cpuMs) / 1000;
    const perCpuSecond = TRANSFER_BYTES / 1e6 / busiest;
    assert.ok(perCpuSecond > MEGABYTES_PER_CPU_SECOND_MIN, `${perCpuSecond} MB per CPU second`);
  } finally {
    receiver.kill();
  }
});

test('a peer is connected by name, carries messages both ways, and is connected anew after it restarts', async () => {
  const a = createNode(1);
  let b = createNode(2);
  try {
    const { port } = b.driver.start();
    a.driver.start();
    a.driver.connectTo({ host: 'localhost', port, publicKeys: [publicKeyOf(3), publicKeyOf(2)] });
    await until(() => a.links.length === 1 && b.links.length === 1, 'both have a link');
    a.links[0]?.sendMessage('control', Buffer.from('hello'));
    b.links[0]?.sendMessage('operations', Buffer.from('welcome'));
    b.links[0]?.sendBlock(new Uint8Array(3), new Uint8Array(100_000));
    await until(() => a.messages.length === 2 && b.messages.length === 1, 'messages arrived');
    assert.equal(a.messages.sort(), ['3+100000', 'welcome']);
    assert.equal(b.messages, ['hello']);
    assert.is(a.driver.status().targets[0]?.state, 'connected');
    assert.is(a.driver.status().links.length, 1);
    b.driver.close();
    await until(() => a.closures.length === 1, 'the end is noticed');
    assert.equal(a.closures, ['shutting down']);
    b = createNode(2, { listen: { address: '127.0.0.1', port } });
    b.driver.start();
    await until(() => a.links.length === 2 && b.links.length === 1, 'they are connected again');
    b.links[0]?.sendMessage('operations', Buffer.from('back'));
    await until(() => a.messages.includes('back'), 'messages flow again');
  } finally {
    a.driver.close();
    b.driver.close();
  }
});

test('a peer with two addresses has one connection with two paths, each from the address it was asked at', async () => {
  const a = createNode(1, { listen: { address: '0.0.0.0', port: 0 } });
  const b = createNode(2, { listen: { address: '0.0.0.0', port: 0 } });
  try {
    const { port } = b.driver.start();
    a.driver.start();
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      a.driver.connectTo({ host, port, publicKeys: [publicKeyOf(2)] });
    }
    const pathsOf = ({ driver }: Node) => driver.status().links[0]?.statistics.paths ?? [];
    await until(() => pathsOf(a).length === 2 && pathsOf(b).length === 2, 'both have two paths');
    const seen = pathsOf(a).map(({ remote }) => remote.address);
    assert.equal(seen.sort(), ['127.0.0.1', '127.0.0.2']);
    const asked = pathsOf(b).map(({ remote }) => remote.local ?? '');
    assert.equal(asked.sort(), ['127.0.0.1', '127.0.0.2']);
    assert.equal([a.links.length, b.links.length], [1, 1]);
    assert.equal(
      a.driver.status().targets.map(({ state }) => state),
      ['connected', 'connected'],
    );
    const settled = a.driver.status().counters['initiationsSent'] ?? 0;
    b.links[0]?.sendMessage('operations', Buffer.from('by either'));
    await until(() => a.messages.length === 1, 'a message arrives');
    assert.is(a.driver.status().counters['initiationsSent'], settled, 'nothing more is asked');
  } finally {
    a.driver.close();
    b.driver.close();
  }
});

test('an address where a connected peer does not answer is tried now and then, without a word to anybody', async () => {
  const a = createNode(1);
  const b = createNode(2);
  try {
    const { port } = b.driver.start();
    a.driver.start();
    a.driver.connectTo({ host: '127.0.0.1', port, publicKeys: [publicKeyOf(2)] });
    await until(() => a.links.length === 1, 'they are connected');
    a.driver.connectTo({ host: '127.0.0.1', port, publicKeys: [publicKeyOf(2)] });
    a.driver.connectTo({ host: '127.0.0.3', port, publicKeys: [publicKeyOf(2)] });
    await until(() => a.driver.status().targets[1]?.state === 'elsewhere', 'the other address was tried');
    assert.equal([a.links.length, a.closures.length], [1, 0]);
    assert.ok((a.driver.status().targets[1]?.nextAttemptInMs ?? 0) > 5000, 'it is not tried again soon');
  } finally {
    a.driver.close();
    b.driver.close();
  }
});

test('events wait until somebody registers for them', async () => {
  const a = createNode(1);
  const b = createNode(2);
  const late: string[] = [];
  let register: (() => void) | undefined;
  const silent = createDriver(5, { aesGcm: false });
  silent.onLink((_link, take) => {
    register = () =>
      take({
        onMessage: (_channel, bytes) => late.push(Buffer.from(bytes).toString()),
        onBlock: () => {},
        onDrain: () => {},
        onClosed: () => {},
      });
  });
  try {
    const { port } = silent.start();
    a.driver.start();
    a.driver.connectTo({ host: '127.0.0.1', port, publicKeys: [publicKeyOf(5)] });
    await until(() => a.links.length === 1 && register !== undefined, 'they are connected');
    a.links[0]?.sendMessage('control', Buffer.from('early'));
    await until(() => a.links[0]?.unacknowledgedBytes === 0, 'it is acknowledged');
    assert.equal(late, []);
    register?.();
    await until(() => late.length === 1, 'it is delivered');
    assert.equal(late, ['early']);
  } finally {
    a.driver.close();
    b.driver.close();
    silent.close();
  }
});

test('a refused key gets no link, and the refusal is counted', async () => {
  const a = createNode(1);
  const b = createNode(2, { authorize: () => 'refuse' });
  try {
    const { port } = b.driver.start();
    a.driver.start();
    a.driver.connectTo({ host: '127.0.0.1', port, publicKeys: [publicKeyOf(2)] });
    await until(() => (b.driver.status().counters['refusedKey'] ?? 0) > 0, 'the refusal is counted');
    assert.is(a.links.length + b.links.length, 0);
  } finally {
    a.driver.close();
    b.driver.close();
  }
});

test('a name that does not resolve is said to be, and tried again', async () => {
  const a = createNode(1);
  try {
    a.driver.start();
    a.driver.connectTo({ host: 'no-such-host.invalid', port: 1, publicKeys: [publicKeyOf(2)] });
    await until(() => (a.driver.status().targets[0]?.attempts ?? 0) >= 1, 'the attempt failed');
    const [target] = a.driver.status().targets;
    assert.is(target?.state, 'waiting');
    assert.is(target?.lastProblem, 'the name does not resolve');
    assert.ok((target?.nextAttemptInMs ?? 0) <= 500);
  } finally {
    a.driver.close();
  }
});

test('a listener may close the driver, and the peer is told', async () => {
  const a = createNode(1);
  const b = createNode(2);
  b.driver.onLink(() => b.driver.close());
  try {
    const { port } = b.driver.start();
    a.driver.start();
    a.driver.connectTo({ host: '127.0.0.1', port, publicKeys: [publicKeyOf(2)] });
    await until(() => a.closures.length === 1, 'the end is noticed');
    assert.equal(a.closures, ['shutting down']);
    b.driver.close();
  } finally {
    a.driver.close();
  }
});

test('a port that is taken is said to be', () => {
  const a = createNode(1);
  const { port } = a.driver.start();
  const b = createNode(2, { listen: { address: '127.0.0.1', port } });
  try {
    assert.throws(() => b.driver.start(), /cannot be used/);
  } finally {
    a.driver.close();
    b.driver.close();
  }
});

test.run();
