// A transfer over an emulated link while somebody else floods the receiver with hostile datagrams, one kind after the
// other and then all together. The attacker sits in a namespace of its own beside the receiver, so its datagrams take
// no part of the link; it has heard all that passed between the two. Between the floods the transfer is left alone for
// a while: what is measured in a flood is compared with the quiet before and after it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { insideNamespace, type NamespaceEnd } from '../../test/support/namespaces.ts';
import { runChecked, waitFor } from '../../test/support/process.ts';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { ATTACK_NAMES, type AttackMaterial, type AttackName, encodePool } from './hostile-datagrams.ts';
import type { HostileEndStatus, RecordedDatagrams } from './hostile-end.ts';
import { compileInto, type EmulatedLink, raiseLab } from './lab.ts';
import { publicKeyOfRole } from './lab-driver.ts';
import { blockBytesOf, commandOf } from './packetfs-flow.ts';
import type { LinkProfile } from './profiles.ts';

const DEVICE = 'hostile0';
/** The receiver's end of the attacker's wire, the attacker's, and all that the attacker claims to be. */
const RECEIVER_ADDRESS = '10.90.0.1';
const ATTACKER_ADDRESS = '10.90.0.2';
const CLAIMED_ADDRESSES = '10.90.0.0/16';
const PORT = 7440;
const EARLIER_TRANSFER_SECONDS = 1;
/** Of a connection, before it is recorded from: it is in the middle of its transfer then. */
const RECORDING_SECONDS = 2;
const SAMPLE_MS = 250;
/** Nothing is on its way to the socket, nor in a batch, after this. */
const QUIESCENCE_MS = 400;
const REST_LIMIT_MS = 10_000;

export interface HostileOptions {
  readonly profile: LinkProfile;
  /** Hostile datagrams, of all floods together. */
  readonly datagrams: number;
  readonly perSecond: number;
  readonly settlingSeconds: number;
  /** Before and after each flood. */
  readonly quietSeconds: number;
  /** One flood of each, in this order. */
  readonly kinds: readonly FloodKind[];
  readonly seed: number;
}

/** All: of every kind as many. */
export type FloodKind = AttackName | 'all';
export const FLOOD_KINDS: readonly FloodKind[] = [...ATTACK_NAMES, 'all'];

export interface Flood {
  readonly kind: FloodKind;
  readonly seconds: number;
  /** Taken by the attacker's network. */
  readonly sent: number;
  /** What the receiver's endpoint counted meanwhile, by reason, without what is 0. */
  readonly counted: Readonly<Record<string, number>>;
  /** Messages that found the socket's buffer full, datagrams that found the queue behind it full. */
  readonly kernelDropped: number;
  readonly queueDropped: number;
  readonly bitsPerSecond: number;
  /** Of the quiet before and after it. */
  readonly quietBitsPerSecond: number;
  /** Processor seconds of the receiver for each second. */
  readonly load: number;
  readonly quietLoad: number;
  readonly residentBytesMost: number;
}

export interface HostileReport {
  readonly floods: readonly Flood[];
  readonly residentBytesBefore: number;
  readonly residentBytesAfter: number;
  /** While it was attacked. */
  readonly connectionsOpened: number;
  /** What the endpoint counted meanwhile that is no refusal, by name: each would be something accepted. */
  readonly accepted: Readonly<Record<string, number>>;
  /** Of the receiver's endpoint and socket when all was over, from its start. */
  readonly counters: Readonly<Record<string, number>>;
  readonly socket: Readonly<Record<string, number>>;
  /** Datagrams that the link delivered to the receiver: those of the genuine sender. */
  readonly genuine: number;
}

/** What is counted of a datagram that is refused; each is counted once. */
export const REFUSALS: readonly string[] = [
  ...[
    'tooShort',
    'badType',
    'malformedHeader',
    'badMac1',
    'rateLimited',
    'overloaded',
    'cookieSent',
    'badCookie',
    'unknownIndex',
  ],
  ...[
    'badHandshake',
    'badProof',
    'noCommonSuite',
    'staleTimestamp',
    'refusedKey',
    'badTag',
    'replayed',
    'malformedFrame',
  ],
];

/** What is counted when a datagram of these kinds is believed. */
const ACCEPTANCES: readonly string[] = [
  ...['handshakesAccepted', 'handshakesCompleted', 'crossedOpen', 'cookieReceived', 'resetReceived', 'pathMoved'],
  'malformedFrame',
];

export const refusedIn = (counted: Readonly<Record<string, number>>): number =>
  REFUSALS.reduce((sum, reason) => sum + (counted[reason] ?? 0), 0);

/** `name` is the lab's; `tell` hears of each flood when it has ended. Leaves nothing behind. */
export async function runHostile(
  name: string,
  options: HostileOptions,
  tell: (flood: Flood) => void = () => {},
): Promise<HostileReport> {
  const lab = await raiseLab(name, { profiles: [options.profile], seed: options.seed });
  const directory = mkdtempSync(join(tmpdir(), 'hostile-'));
  try {
    const [link] = lab.links;
    if (link === undefined) throw new Error('a lab has a link');
    const attacker = await joinAttacker(name, link);
    try {
      const program = await compileInto(directory, 'attacker');
      return await attackTransfer({ link, attacker, program, directory, options, tell });
    } finally {
      await runChecked('ip', ['netns', 'del', attacker.name]);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await lab.remove();
  }
}

/** A namespace with a wire to the receiver's, which takes datagrams from there whatever address they claim. */
async function joinAttacker(name: string, { b }: EmulatedLink): Promise<NamespaceEnd> {
  const attacker = { name: `${name}-c`, address: ATTACKER_ADDRESS };
  await runChecked('ip', ['netns', 'add', attacker.name]);
  const wire = ['link', 'add', DEVICE, 'netns', attacker.name, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', b.name];
  await runChecked('ip', wire);
  for (const [end, address] of [
    [attacker.name, ATTACKER_ADDRESS],
    [b.name, RECEIVER_ADDRESS],
  ] as const) {
    const settings = `cd /proc/sys/net; for name in all ${DEVICE}; do echo 0 >ipv4/conf/$name/rp_filter; done;
      [ ! -d ipv6 ] || echo 1 >ipv6/conf/${DEVICE}/disable_ipv6`;
    await runChecked('ip', ['netns', 'exec', end, 'sh', '-c', settings]);
    await runChecked('ip', ['-n', end, 'link', 'set', DEVICE, 'up']);
    await runChecked('ip', ['-n', end, 'address', 'add', `${address}/30`, 'dev', DEVICE]);
  }
  await runChecked('ip', ['-n', b.name, 'route', 'add', CLAIMED_ADDRESSES, 'via', ATTACKER_ADDRESS]);
  await runChecked('ip', ['-n', attacker.name, 'route', 'add', `${b.address}/32`, 'via', RECEIVER_ADDRESS]);
  return attacker;
}

interface Scene {
  readonly link: EmulatedLink;
  readonly attacker: NamespaceEnd;
  readonly program: string;
  readonly directory: string;
  readonly options: HostileOptions;
  readonly tell: (flood: Flood) => void;
}

async function attackTransfer(scene: Scene): Promise<HostileReport> {
  const { link, options } = scene;
  const receiver = await Receiver.start(link);
  const transfers: Transfer[] = [];
  try {
    const earlier = startTransfer(link, EARLIER_TRANSFER_SECONDS);
    transfers.push(earlier);
    await once(earlier, 'close');
    const { received: receivedBefore } = await receiver.recorded();
    await receiver.record();
    const transfer = startTransfer(link, longestSeconds(options));
    transfers.push(transfer);
    await sleep(1000 * RECORDING_SECONDS);
    const { received, sent, peerPort } = await receiver.recorded();
    await sleep(1000 * options.settlingSeconds);

    const random = seededRandom(options.seed);
    const material = { random, receiverKey: publicKeyOfRole('receive'), received, receivedBefore, sent };
    const before = await receiver.status();
    const floods: Flood[] = [];
    let quiet: Stretch = await receiver.during(sleep(1000 * options.quietSeconds));
    for (const kind of options.kinds) {
      const flood = await measureFlood(scene, { receiver, kind, material, peerPort, quietBefore: quiet });
      quiet = flood.quietAfter;
      floods.push(flood.flood);
      scene.tell(flood.flood);
      if (transfer.exitCode !== null) throw new Error('the transfer ended before the attack did');
    }
    const attacked = await receiver.status();
    await end(transfer);
    await linkAtRest(link);
    const after = await receiver.status();
    return {
      floods,
      residentBytesBefore: before.residentBytes,
      residentBytesAfter: after.residentBytes,
      connectionsOpened: attacked.connectionsOpened - before.connectionsOpened,
      accepted: Object.fromEntries(
        ACCEPTANCES.map((name) => [name, (attacked.counters[name] ?? 0) - (before.counters[name] ?? 0)]),
      ),
      counters: after.counters,
      socket: after.socket,
      genuine: (await link.counters()).a.deliveredPackets - (await icmpMessages(link.b)),
    };
  } finally {
    for (const transfer of transfers) await end(transfer);
    await receiver.end();
  }
}

/** What the sender's kernel says of datagrams that find nobody there comes over the link too. */
async function icmpMessages(end: NamespaceEnd): Promise<number> {
  const [command = '', ...parameters] = insideNamespace(end, ['cat', '/proc/net/snmp']);
  const [, values = ''] = (await runChecked(command, parameters))
    .split('\n')
    .filter((line) => line.startsWith('Icmp: '));
  return Number(values.split(' ')[1]);
}

/** Resolves when nothing is on its way to the receiver any more. */
async function linkAtRest(link: EmulatedLink): Promise<void> {
  let delivered = -1;
  await waitFor('the link to be at rest', async () => {
    const { a } = await link.counters();
    const isAtRest = a.deliveredPackets === delivered;
    delivered = a.deliveredPackets;
    await sleep(QUIESCENCE_MS);
    return isAtRest || undefined;
  });
}

async function measureFlood(
  scene: Scene,
  attack: {
    readonly receiver: Receiver;
    readonly kind: FloodKind;
    readonly material: AttackMaterial;
    readonly peerPort: number;
    readonly quietBefore: Stretch;
  },
): Promise<{ flood: Flood; quietAfter: Stretch }> {
  const { link, options, directory } = scene;
  const { receiver, kind, material, peerPort, quietBefore } = attack;
  const pool = join(directory, kind);
  writeFileSync(pool, encodePool(kind === 'all' ? ATTACK_NAMES : [kind], material));
  const count = Math.ceil(options.datagrams / options.kinds.length);
  const parameters = [pool, link.b.address, PORT, link.a.address, peerPort, options.perSecond, count, options.seed];
  const [command = '', ...rest] = insideNamespace(scene.attacker, [scene.program, ...parameters.map(String)]);
  const limitMs = (3000 * count) / options.perSecond + REST_LIMIT_MS;
  const stretch = await receiver.during(runChecked(command, rest, { limitMs }));
  const { sent, seconds } = JSON.parse(stretch.result) as { sent: number; seconds: number };
  await sleep(QUIESCENCE_MS);
  const { counters, socket } = await receiver.status();
  const quietAfter = await receiver.during(sleep(1000 * options.quietSeconds));
  const socketOf = (counter: string): number => (socket[counter] ?? 0) - (quietBefore.after.socket[counter] ?? 0);
  const differences = Object.entries(counters).map(([reason, value]): [string, number] => [
    reason,
    value - (quietBefore.after.counters[reason] ?? 0),
  ]);
  const flood: Flood = {
    kind,
    seconds,
    sent,
    counted: Object.fromEntries(differences.filter(([, value]) => value > 0)),
    kernelDropped: socketOf('kernelDropped'),
    queueDropped: socketOf('receiveDropped'),
    bitsPerSecond: stretch.bitsPerSecond,
    quietBitsPerSecond: (quietBefore.bitsPerSecond + quietAfter.bitsPerSecond) / 2,
    load: stretch.load,
    quietLoad: (quietBefore.load + quietAfter.load) / 2,
    residentBytesMost: stretch.residentBytesMost,
  };
  return { flood, quietAfter };
}

// ---- the two ends ---------------------------------------------------------------------------------------------------

type Transfer = ChildProcessByStdio<null, Readable, null>;

function startTransfer(link: EmulatedLink, seconds: number): Transfer {
  const place = [link.b.address, String(PORT), String(seconds), String(blockBytesOf(link.profile))];
  const [command = '', ...parameters] = insideNamespace(link.a, [...commandOf('packetfs-end'), 'send', ...place]);
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  return child;
}

/** Ends before, unless the attacker cannot keep its rate: it is stopped when the attack is over. */
const longestSeconds = ({ settlingSeconds, quietSeconds, datagrams, perSecond, kinds }: HostileOptions): number =>
  60 + settlingSeconds + 3 * (kinds.length + 2) * quietSeconds + (3 * datagrams) / perSecond;

async function end(child: Transfer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

/** What happened between two looks at the receiver. */
interface Stretch<Result = unknown> {
  readonly result: Result;
  readonly after: HostileEndStatus;
  readonly bitsPerSecond: number;
  readonly load: number;
  readonly residentBytesMost: number;
}

/** The receiving end: a process that is asked for its state. */
class Receiver {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
  }

  /** Resolves once it listens. */
  static async start({ a, b }: EmulatedLink): Promise<Receiver> {
    const command = insideNamespace(b, [...commandOf('hostile-end'), b.address, String(PORT), a.address]);
    const [program = '', ...parameters] = command;
    const receiver = new Receiver(spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] }));
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
