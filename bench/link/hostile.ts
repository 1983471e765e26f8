// A transfer over an emulated link while somebody else floods the receiver with hostile datagrams, one kind after the
// other and then all together. The attacker sits in a namespace of its own beside the receiver, so its datagrams take
// no part of the link; it has heard all that passed between the two. Between the floods the transfer is left alone for
// a while: what is measured in a flood is compared with the quiet before and after it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CounterName } from '../../src/transport/counters.ts';
import { insideNamespace, type NamespaceEnd } from '../../test/support/namespaces.ts';
import { runChecked, waitFor } from '../../test/support/process.ts';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { EndProcess } from './end-process.ts';
import { ATTACK_NAMES, type AttackMaterial, type AttackName, encodePool } from './hostile-datagrams.ts';
import type { HostileEndStatus } from './hostile-end.ts';
import { HostileReceiver, type Stretch } from './hostile-receiver.ts';
import { compileInto, type EmulatedLink, raiseLab } from './lab.ts';
import { publicKeyOfRole } from './lab-driver.ts';
import { blockBytesOf } from './packetfs-flow.ts';
import type { LinkProfile } from './profiles.ts';

const DEVICE = 'hostile0';
/** The receiver's end of the attacker's wire, the attacker's, and all that the attacker claims to be. */
const RECEIVER_ADDRESS = '10.90.0.1';
const ATTACKER_ADDRESS = '10.90.0.2';
const CLAIMED_ADDRESSES = '10.90.0.0/16';
const PORT = 7440;
const EARLIER_TRANSFER_SECONDS = 1;
const TRANSFER_MARGIN_MS = 30_000;
const RECORDING_SECONDS = 2;
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
export const REFUSALS: readonly CounterName[] = [
  'tooShort',
  'badType',
  'malformedHeader',
  'badMac1',
  'rateLimited',
  'overloaded',
  'cookieSent',
  'badCookie',
  'unknownIndex',
  'unknownPath',
  'lateResponse',
  'badHandshake',
  'badProof',
  'noCommonSuite',
  'staleTimestamp',
  'refusedKey',
  'badTag',
  'replayed',
  'malformedFrame',
];

/** What is counted when a datagram of these kinds is believed. */
const ACCEPTANCES: readonly CounterName[] = [
  'handshakesAccepted',
  'handshakesCompleted',
  'crossedOpen',
  'cookieReceived',
  'resetReceived',
  'pathMoved',
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
    const settings = `cd /proc/sys/net; echo 0 >ipv4/ip_forward; for name in all ${DEVICE}; do echo 0 >ipv4/conf/$name/rp_filter; done;
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
  const receiver = await HostileReceiver.start(link, PORT);
  const transfers: EndProcess[] = [];
  try {
    const earlier = await startTransfer(link, EARLIER_TRANSFER_SECONDS);
    transfers.push(earlier);
    await earlier.report();
    const { received: receivedBefore } = await receiver.recorded();
    const transfer = await startTransfer(link, longestSeconds(options));
    transfers.push(transfer);
    await sleep(1000 * options.settlingSeconds);

    const random = seededRandom(options.seed);
    const before = await receiver.status();
    const floods: Flood[] = [];
    let quiet: Stretch = await receiver.during(sleep(1000 * options.quietSeconds));
    for (const kind of options.kinds) {
      const { received, sent, peerPort } = await recordAnew(receiver);
      const material = { random, receiverKey: publicKeyOfRole('receive'), received, receivedBefore, sent };
      const flood = await measureFlood(scene, { receiver, kind, material, peerPort, quietBefore: quiet });
      quiet = flood.quietAfter;
      floods.push(flood.flood);
      scene.tell(flood.flood);
      if (transfer.hasEnded) throw new Error('the transfer ended before the attack did');
    }
    const attacked = await receiver.status();
    await transfer.end();
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
    for (const transfer of transfers) await transfer.end();
    await receiver.end();
  }
}

/** Its state once it refuses nothing more. */
function receiverAtRest(receiver: HostileReceiver): Promise<HostileEndStatus> {
  let refused = -1;
  return waitFor('the receiver to be at rest', async () => {
    const status = await receiver.status();
    const isAtRest = refusedIn(status.counters) === refused;
    refused = refusedIn(status.counters);
    await sleep(QUIESCENCE_MS);
    return isAtRest ? status : undefined;
  });
}

/** What passes in the middle of the transfer, under the keys that it has now. */
async function recordAnew(receiver: HostileReceiver): Promise<Awaited<ReturnType<HostileReceiver['recorded']>>> {
  await receiver.record();
  await sleep(1000 * RECORDING_SECONDS);
  return await receiver.recorded();
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
    readonly receiver: HostileReceiver;
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
  const { counters, socket } = await receiverAtRest(receiver);
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

/** Resolves when it sends. */
async function startTransfer(link: EmulatedLink, seconds: number): Promise<EndProcess> {
  const target = ['send', link.b.address, PORT, seconds, blockBytesOf(link.profile), 'bulk'];
  const transfer = new EndProcess('packetfs-end', link.a, target, 1000 * seconds + TRANSFER_MARGIN_MS);
  transfer.say('go');
  await transfer.said('begun');
  return transfer;
}

/** Ends before, unless the attacker cannot keep its rate: it is stopped when the attack is over. */
const longestSeconds = ({ settlingSeconds, quietSeconds, datagrams, perSecond, kinds }: HostileOptions): number =>
  60 + settlingSeconds + 3 * (kinds.length + 2) * quietSeconds + (3 * datagrams) / perSecond;
