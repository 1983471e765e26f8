// Two network namespaces joined by a veth pair: two machines on one wire, with the wire's own byte counters. Names
// carry the process id of the test, so the runner can remove what a killed test left. Needs root.
import { run, runChecked } from './process.ts';

const INTERFACE = 'wire0';

export interface NamespaceEnd {
  readonly name: string;
  /** IPv4 address of its end of the wire. */
  readonly address: string;
}

export interface WireBytes {
  readonly fromA: number;
  readonly fromB: number;
}

export interface NamespacePair {
  readonly a: NamespaceEnd;
  readonly b: NamespaceEnd;
  /** Bytes that each end has sent since the pair was made, as its interface counts them. */
  bytes(): Promise<WireBytes>;
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Packets larger than this are not sent by an end, and what the other end sends larger does not reach it. */
  setMtu(end: NamespaceEnd, bytes: number): Promise<void>;
  remove(): Promise<void>;
}

let pairsMade = 0;

export async function createNamespacePair(): Promise<NamespacePair> {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  const label = `pfs-${process.pid}-${pairsMade++}`;
  const a = { name: `${label}-a`, address: '10.83.0.1' };
  const b = { name: `${label}-b`, address: '10.83.0.2' };
  for (const { name } of [a, b]) await runChecked('ip', ['netns', 'add', name]);
  const veth = ['link', 'add', INTERFACE, 'netns', a.name, 'type', 'veth', 'peer', 'name', INTERFACE, 'netns', b.name];
  await runChecked('ip', veth);
  for (const end of [a, b]) await configure(end);
  return {
    a,
    b,
    bytes: async () => ({ fromA: await sentBytes(a), fromB: await sentBytes(b) }),
    cut: async () => {
      await runChecked('ip', ['-n', a.name, 'link', 'set', INTERFACE, 'down']);
    },
    restore: async () => {
      await runChecked('ip', ['-n', a.name, 'link', 'set', INTERFACE, 'up']);
    },
    setMtu: async (end, bytes) => {
      await runChecked('ip', ['-n', end.name, 'link', 'set', INTERFACE, 'mtu', String(bytes)]);
    },
    remove: async () => {
      for (const { name } of [a, b]) await runChecked('ip', ['netns', 'del', name]);
    },
  };
}

/**
 * The command that runs another one inside a namespace. Only the network changes: `ip netns exec` would also give it
 * mounts of its own, and the test could not see what the daemon mounts.
 */
export const insideNamespace = (end: NamespaceEnd, command: readonly string[]): string[] => [
  'nsenter',
  `--net=/run/netns/${end.name}`,
  ...command,
];

/** Removes the namespaces that a test process made and left. */
export async function removeNamespacesOf(pid: number | undefined): Promise<void> {
  if (pid === undefined || process.getuid?.() !== 0) return;
  const { stdout } = await run('ip', ['netns', 'list']);
  for (const line of stdout.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (name.startsWith(`pfs-${pid}-`)) await run('ip', ['netns', 'del', name]);
  }
}

async function configure(end: NamespaceEnd): Promise<void> {
  // Nothing but PacketFS may talk on the wire, or the counters would count it.
  const quiet = 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6';
  await runChecked('ip', ['netns', 'exec', end.name, 'sh', '-c', `[ ! -d /proc/sys/net/ipv6 ] || ${quiet}`]);
  await runChecked('ip', ['-n', end.name, 'link', 'set', 'lo', 'up']);
  await runChecked('ip', ['-n', end.name, 'address', 'add', `${end.address}/24`, 'dev', INTERFACE]);
  await runChecked('ip', ['-n', end.name, 'link', 'set', INTERFACE, 'up']);
}

async function sentBytes(end: NamespaceEnd): Promise<number> {
  const statistics = `/sys/class/net/${INTERFACE}/statistics/tx_bytes`;
  return Number(await runChecked('ip', ['netns', 'exec', end.name, 'cat', statistics]));
}
