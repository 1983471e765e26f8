// Mount options (`-o a,b=c`), as fstab and mount(8) give them: some are for others and ignored, some are flags of the
// kernel, some are for FUSE, some are ours; anything else is an error, unless the caller is sloppy (mount -s). Secrets
// are never options, only paths to them. `_` and `-` in a key are the same.
import { PacketFsError } from '../src/base/errors.ts';
import type { RateEntry } from '../src/base/rate-schedule.ts';
import { parseIndexBytes } from './byte-sizes.ts';
import { type Endpoint, parseEndpoint, parseListenAddress } from './endpoints.ts';
import { checkMaxRates, parseMaxRate } from './max-rate.ts';
import type { FuseBackend } from './session.ts';

/** For mount(8), systemd and fstab's readers; never for us. */
const IGNORED = new Set([
  ...['-netdev', 'netdev', 'nofail', 'auto', 'noauto', 'user', 'users', 'nouser', 'owner', 'group', 'defaults'],
  // What FUSE does anyway: it keeps no access times, and the connection is always there.
  ...['atime', 'diratime', 'relatime', 'strictatime', 'nolazytime', 'lazytime', 'default-permissions'],
]);
const IGNORED_PREFIXES = ['x-', 'comment'];
/** Those of libfuse 3.14's table that it hands to mount(2). */
const KERNEL_FLAGS = new Set([
  ...['suid', 'nosuid', 'dev', 'nodev', 'exec', 'noexec', 'sync', 'async', 'dirsync'],
  ...['noatime', 'nodiratime', 'norelatime', 'nostrictatime'],
]);
const MILLISECONDS_PER_SECOND = 1000;
const THREADS_MAX = 64;

export interface MountOptions {
  readonly readOnly: boolean;
  readonly remount: boolean;
  readonly kernelFlags: readonly string[];
  /** Undefined: yes for root, no for others. */
  readonly allowOther: boolean | undefined;
  readonly sourceName: string | undefined;
  readonly attributeTimeoutMs: number | undefined;
  readonly entryTimeoutMs: number | undefined;
  readonly threads: number | undefined;
  readonly stateDirectory: string | undefined;
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  readonly peers: readonly Endpoint[];
  readonly logPath: string | undefined;
  readonly backend: FuseBackend | undefined;
  readonly congestion: Congestion | undefined;
  readonly maxRates: readonly RateEntry[];
  readonly seeds: readonly string[];
  readonly indexBytesMax: number | undefined;
}

/** What a node sends with: src/transport/congestion-profiles.ts. */
export type Congestion = 'bulk' | 'fair';

type Draft = { -readonly [Key in keyof MountOptions]: MountOptions[Key] } & {
  kernelFlags: string[];
  peers: Endpoint[];
  maxRates: RateEntry[];
  seeds: string[];
};

/** Throws PFS_USAGE naming the first option that is not known or has a wrong value. */
export function parseMountOptions(text: string, settings: { readonly sloppy: boolean }): MountOptions {
  const draft: Draft = {
    readOnly: false,
    remount: false,
    kernelFlags: [],
    allowOther: undefined,
    sourceName: undefined,
    attributeTimeoutMs: undefined,
    entryTimeoutMs: undefined,
    threads: undefined,
    stateDirectory: undefined,
    listen: undefined,
    peers: [],
    logPath: undefined,
    backend: undefined,
    congestion: undefined,
    maxRates: [],
    seeds: [],
    indexBytesMax: undefined,
  };
  for (const option of splitOptions(text)) {
    if (applyOption(draft, option) || settings.sloppy) continue;
    throw new PacketFsError('PFS_USAGE', `The mount option "${option}" is not known.`);
  }
  checkMaxRates(draft.maxRates);
  return draft;
}

/** Splits at commas outside double quotes; the quotes go, as libmount does it. */
export function splitOptions(text: string): string[] {
  const options: string[] = [];
  let option = '';
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === ',' && !isQuoted) {
      options.push(option);
      option = '';
    } else option += character;
  }
  if (isQuoted) throw new PacketFsError('PFS_USAGE', `A double quote in the mount options is not closed: ${text}`);
  options.push(option);
  return options.map((part) => part.trim()).filter((part) => part !== '');
}

/** False when the option is not known. */
function applyOption(draft: Draft, option: string): boolean {
  const equals = option.indexOf('=');
  const key = (equals < 0 ? option : option.slice(0, equals)).replaceAll('_', '-');
  if (equals >= 0) return isIgnored(key) || applyValue(draft, key, option.slice(equals + 1));
  if (applyFlag(draft, key)) return true;
  if (VALUE_KEYS.has(key)) throw new PacketFsError('PFS_USAGE', `The mount option "${key}" needs a value: ${key}=…`);
  return isIgnored(key);
}

const isIgnored = (key: string): boolean =>
  IGNORED.has(key) || IGNORED_PREFIXES.some((prefix) => key.startsWith(prefix));

function applyFlag(draft: Draft, key: string): boolean {
  switch (key) {
    case 'ro':
    case 'rw':
      draft.readOnly = key === 'ro';
      return true;
    case 'remount':
      draft.remount = true;
      return true;
    case 'allow-other':
    case 'no-allow-other':
      draft.allowOther = key === 'allow-other';
      return true;
    default:
      if (!KERNEL_FLAGS.has(key)) return false;
      draft.kernelFlags.push(key);
      return true;
  }
}

const VALUE_KEYS = new Set([
  ...['fsname', 'attr-timeout', 'entry-timeout', 'threads', 'state', 'listen', 'peer', 'log', 'fuse-backend'],
  ...['congestion', 'max-rate', 'seed', 'index-memory'],
]);

function applyValue(draft: Draft, key: string, value: string): boolean {
  switch (key) {
    case 'fsname':
      draft.sourceName = value;
      return true;
    case 'attr-timeout':
      draft.attributeTimeoutMs = parseSeconds(key, value);
      return true;
    case 'entry-timeout':
      draft.entryTimeoutMs = parseSeconds(key, value);
      return true;
    case 'threads':
      draft.threads = parseThreads(value);
      return true;
    case 'state':
      draft.stateDirectory = value;
      return true;
    case 'listen':
      draft.listen = parseListenAddress(value);
      return true;
    case 'peer':
      draft.peers.push(parseEndpoint(value));
      return true;
    case 'log':
      draft.logPath = value;
      return true;
    case 'fuse-backend':
      draft.backend = parseBackend(value);
      return true;
    case 'congestion':
      draft.congestion = parseCongestion(value);
      return true;
    case 'max-rate':
      draft.maxRates.push(parseMaxRate(value));
      return true;
    case 'seed':
      draft.seeds.push(value);
      return true;
    case 'index-memory':
      draft.indexBytesMax = parseIndexBytes(value);
      return true;
    default:
      return false;
  }
}

export function parseBackend(value: string): FuseBackend {
  if (value === 'libfuse3' || value === 'fuse-native') return value;
  throw new PacketFsError('PFS_USAGE', `"${value}" is no FUSE backend: choose libfuse3 or fuse-native.`);
}

export function parseCongestion(value: string): Congestion {
  if (value === 'bulk' || value === 'fair') return value;
  throw new PacketFsError('PFS_USAGE', `"${value}" is no congestion control: choose bulk or fair.`);
}

/** `30s`, `500ms`, `2m`, or a number of seconds. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  const unitMs = { ms: 1, s: MILLISECONDS_PER_SECOND, m: 60 * MILLISECONDS_PER_SECOND }[match?.[2] ?? 's'];
  if (match === null || unitMs === undefined) {
    throw new PacketFsError('PFS_USAGE', `"${text}" is not a duration: write 30s, 500ms or 2m.`);
  }
  return Math.round(Number(match[1]) * unitMs);
}

function parseSeconds(key: string, value: string): number {
  const seconds = Number(value);
  if (value !== '' && Number.isFinite(seconds) && seconds >= 0) return Math.round(seconds * MILLISECONDS_PER_SECOND);
  throw new PacketFsError('PFS_USAGE', `The mount option "${key}" needs a number of seconds, not "${value}".`);
}

function parseThreads(value: string): number {
  const threads = Number(value);
  if (Number.isInteger(threads) && threads >= 1 && threads <= THREADS_MAX) return threads;
  throw new PacketFsError('PFS_USAGE', `The mount option "threads" needs a number from 1 to ${THREADS_MAX}.`);
}
