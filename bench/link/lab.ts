// Two network namespaces joined by one or more emulated links, each with a relay of its own (relay.cc) between a TUN
// device in either namespace. A lab outlives the process that raised it: what is needed to find it again lies in its
// directory below /run. Link i has the addresses 10.84.i.1 and 10.84.i.2. Needs root.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NamespaceEnd } from '../../test/support/namespaces.ts';
import { run, runChecked, waitFor } from '../../test/support/process.ts';
import { conditionsOf, type LinkProfile } from './profiles.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url)).replace('/dist/bench/', '/bench/');
const LABS = '/run/pfs-link';
const LINKS_MAX = 8;
const STOP_LIMIT_MS = 5000;
/** The relay drops, not the device before it. */
const DEVICE_QUEUE_PACKETS = 10_000;

/** What became of the packets that one end sent; shapes in emulated_direction.h. */
export interface DirectionCounters {
  readonly offeredPackets: number;
  readonly offeredBytes: number;
  readonly deliveredPackets: number;
  readonly deliveredBytes: number;
  readonly queueDrops: number;
  readonly lost: number;
  readonly cutDrops: number;
  readonly reordered: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly queueBytesMost: number;
}

export interface LinkCounters {
  readonly a: DirectionCounters;
  readonly b: DirectionCounters;
}

/** Whose packets a change of conditions is for. */
export type Ends = 'a' | 'b' | 'ab';

export interface EmulatedLink {
  readonly profile: LinkProfile;
  readonly a: NamespaceEnd;
  readonly b: NamespaceEnd;
  /** Keys as relay.cc lists them; throws with its answer for what it does not know. */
  set(ends: Ends, conditions: Readonly<Record<string, number>>): Promise<void>;
  counters(): Promise<LinkCounters>;
}

export interface LinkLab {
  readonly name: string;
  readonly links: readonly EmulatedLink[];
  remove(): Promise<void>;
}

interface LabRecord {
  readonly seed: number;
  readonly profiles: readonly LinkProfile[];
}

/** The seed decides which packets are lost, corrupted, reordered and duplicated. Leaves nothing behind when it fails. */
export async function raiseLab(name: string, { profiles, seed }: LabRecord): Promise<LinkLab> {
  if (process.getuid?.() !== 0) throw new Error('the link lab makes network namespaces and devices: run it as root');
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) throw new Error(`"${name}" cannot name a lab: letters, digits, hyphens`);
  if (profiles.length < 1) throw new Error('say which link: the names are what `link profiles` prints');
  if (profiles.length > LINKS_MAX) throw new Error(`a lab has at most ${LINKS_MAX} links`);
  if (existsSync(directoryOf(name))) throw new Error(`the lab "${name}" is up already: take it down first`);
  mkdirSync(directoryOf(name), { recursive: true });
  // First of all, so that what is left when this process is killed on the way can be taken down.
  writeFileSync(join(directoryOf(name), 'lab.json'), JSON.stringify({ profiles, seed }));
  const lab = labOf(name, { profiles, seed });
  try {
    const relay = await compileInto(directoryOf(name), 'relay');
    for (const end of endsOf(name)) await addNamespace(end);
    for (const [index, link] of lab.links.entries()) await startLink(link, { name, index, relay, seed: seed + index });
  } catch (error) {
    await lab.remove();
    throw error;
  }
  return lab;
}

/** A lab that another process raised; throws when there is none. */
export function findLab(name: string): LinkLab {
  const path = join(directoryOf(name), 'lab.json');
  if (!existsSync(path)) throw new Error(`no lab "${name}" is up`);
  // Written by raiseLab below a directory that only root can write.
  const record = JSON.parse(readFileSync(path, 'utf8')) as LabRecord;
  return labOf(name, record);
}

const directoryOf = (name: string): string => join(LABS, name);
const controlOf = (name: string, index: number): string => join(directoryOf(name), `${index}.sock`);
const endsOf = (name: string): [string, string] => [`${name}-a`, `${name}-b`];
const deviceOf = (index: number): string => `link${index}`;

function labOf(name: string, { profiles }: LabRecord): LinkLab {
  const [a, b] = endsOf(name);
  const links = profiles.map((profile, index) => ({
    profile,
    a: { name: a, address: `10.84.${index}.1` },
    b: { name: b, address: `10.84.${index}.2` },
    set: async (ends: Ends, conditions: Readonly<Record<string, number>>) => {
      const words = Object.entries(conditions).map(([key, value]) => `${key}=${value}`);
      await ask(controlOf(name, index), `set ${ends} ${words.join(' ')}`);
    },
    // The relay's own answer, in the shape that relay.cc writes.
    counters: async () => (await ask(controlOf(name, index), 'counters')) as LinkCounters,
  }));
  return { name, links, remove: () => removeLab(name, profiles.length) };
}

async function removeLab(name: string, linkCount: number): Promise<void> {
  for (let index = 0; index < linkCount; index++) {
    const control = controlOf(name, index);
    if (!existsSync(control) || !(await stopRelay(control))) continue;
    await waitFor('the relay to end', () => (existsSync(control) ? undefined : true), STOP_LIMIT_MS);
  }
  const { stdout } = await run('ip', ['netns', 'list']);
  const known = stdout.split('\n').map((line) => line.split(' ')[0]);
  for (const end of endsOf(name)) if (known.includes(end)) await runChecked('ip', ['netns', 'del', end]);
  rmSync(directoryOf(name), { recursive: true, force: true });
}

/** False where it has ended already, by a signal for instance. */
async function stopRelay(control: string): Promise<boolean> {
  try {
    await ask(control, 'stop');
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return false;
    throw error;
  }
}

/** Compiles a program of this folder into another one; gives its path. */
export async function compileInto(directory: string, name: string): Promise<string> {
  const program = join(directory, name);
  await runChecked('g++', ['-O2', '-std=c++20', '-o', program, join(HERE, `${name}.cc`)]);
  return program;
}

async function addNamespace(end: string): Promise<void> {
  await runChecked('ip', ['netns', 'add', end]);
  await runChecked('ip', ['-n', end, 'link', 'set', 'lo', 'up']);
}

interface LinkStart {
  readonly name: string;
  readonly index: number;
  readonly relay: string;
  readonly seed: number;
}

async function startLink(link: EmulatedLink, { name, index, relay, seed }: LinkStart): Promise<void> {
  const device = deviceOf(index);
  await startRelay(relay, [String(seed), controlOf(name, index), link.a.name, link.b.name, device]);
  for (const end of [link.a, link.b]) {
    // No router solicitations: the counters are those of what runs in the lab.
    const quiet = `echo 1 >/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
    await runChecked('ip', ['netns', 'exec', end.name, 'sh', '-c', `[ ! -d /proc/sys/net/ipv6 ] || ${quiet}`]);
    const queue = ['txqueuelen', String(DEVICE_QUEUE_PACKETS)];
    await runChecked('ip', ['-n', end.name, 'link', 'set', device, ...queue, 'up']);
    await runChecked('ip', ['-n', end.name, 'address', 'add', `${end.address}/24`, 'dev', device]);
  }
  await link.set('ab', conditionsOf(link.profile));
}

/** Goes on when this process ends; resolves once it serves. */
async function startRelay(relay: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(relay, parameters, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => said.push(part));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the relay ended with ${code}: ${Buffer.concat(said).toString()}`)));
    child.stdout.once('data', () => resolve());
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}

/** One request to a relay; throws with its error. */
async function ask(control: string, request: string): Promise<unknown> {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(control, () => socket.write(`${request}\n`));
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.once('error', reject);
    socket.once('end', () => resolve(Buffer.concat(parts).toString()));
  });
  const parsed: unknown = JSON.parse(answer);
  if (typeof parsed === 'object' && parsed !== null && 'error' in parsed) throw new Error(String(parsed.error));
  return parsed;
}
