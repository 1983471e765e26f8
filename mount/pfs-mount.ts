#!/usr/bin/env node
// `pfs-mount DIR`: starts the daemon (the composition root), mounts it, and stays until somebody unmounts or a signal
// comes. In the foreground unless --daemon.
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { native } from '../src/addon/addon.ts';
import type { Logger } from '../src/base/clock.ts';
import { isPacketFsError } from '../src/base/errors.ts';
import type { RateEntry } from '../src/base/rate-schedule.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '../src/observability/logger.ts';
import { parseIndexBytes } from './byte-sizes.ts';
import { createSession, settingsOf } from './create-session.ts';
import { releaseParent, reportToParent, startDetached } from './daemonize.ts';
import { DEFAULT_PORT, type Endpoint, parseEndpoint, parseListenAddress } from './endpoints.ts';
import { MOUNT_EXIT_CODES } from './exit-codes.ts';
import { boundHeapGrowth } from './heap.ts';
import { checkMaxRates, parseMaxRate } from './max-rate.ts';
import { prepareMountPoint, unmountPath } from './mount-point.ts';
import { findMount } from './mountinfo.ts';
import { delayOptimization } from './optimization.ts';
import {
  type Congestion,
  type MountOptions,
  parseBackend,
  parseCongestion,
  parseDurationMs,
  parseMountOptions,
} from './options.ts';
import type { FuseBackend, FuseSession } from './session.ts';

const DEFAULT_STATE_DIRECTORY = '/var/lib/packetfs/default';
const LOG_NAME = 'pfs-mount.log';
const DEFAULT_LISTEN = { address: '0.0.0.0', port: DEFAULT_PORT };
const DEFAULT_DAEMON_WAIT = '30s';

interface Flags {
  readonly state?: string;
  readonly listen?: { readonly address: string; readonly port: number };
  readonly peer: readonly Endpoint[];
  readonly options: readonly string[];
  readonly fuseBackend?: FuseBackend;
  readonly congestion?: Congestion;
  readonly maxRate: readonly RateEntry[];
  readonly seed: readonly string[];
  readonly indexMemory?: number;
  readonly sloppy?: boolean;
  readonly daemon?: boolean;
  readonly daemonWait: number;
  readonly logLevel: LogLevel;
}

interface Request {
  readonly directory: string;
  readonly stateDirectory: string;
  readonly listen: { readonly address: string; readonly port: number };
  readonly peers: readonly Endpoint[];
  readonly backend: FuseBackend;
  readonly congestion: Congestion;
  readonly maxRates: readonly RateEntry[];
  readonly seeds: readonly string[];
  readonly indexBytesMax: number | undefined;
  readonly logLevel: LogLevel;
  readonly options: MountOptions;
}

async function main(parameters: readonly string[]): Promise<number> {
  try {
    const program = buildProgram();
    program.parse(parameters, { from: 'user' });
    const flags: Flags = program.opts();
    const request = requestOf(program.processedArgs[0], flags);
    if (flags.daemon === true) await detach(request, { parameters, waitMs: flags.daemonWait });
    else await serve(request);
    return MOUNT_EXIT_CODES.success;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? MOUNT_EXIT_CODES.success : MOUNT_EXIT_CODES.usage;
    }
    const sentence = describe(error);
    process.stderr.write(`pfs-mount: ${sentence}\n`);
    reportToParent(sentence);
    return isPacketFsError(error, 'PFS_USAGE') ? MOUNT_EXIT_CODES.usage : MOUNT_EXIT_CODES.system;
  }
}

function buildProgram(): Command {
  return new Command('pfs-mount')
    .description('Mount a PacketFS volume on DIR and keep it the same on all its peers')
    .argument('<dir>', 'an existing directory')
    .option('--state <dir>', `where the volume is kept (default ${DEFAULT_STATE_DIRECTORY})`)
    .option(
      '--listen <addr:port>',
      `where peers reach this node (default 0.0.0.0:${DEFAULT_PORT})`,
      usable(parseListenAddress),
    )
    .option('--peer <host[:port]>', 'a peer to connect to; may be repeated', collect(usable(parseEndpoint)), [])
    .option('-o, --options <options>', 'mount options, as in fstab; may be repeated', collect(String), [])
    .option('--fuse-backend <name>', 'libfuse3 (default) or fuse-native', usable(parseBackend))
    .option(
      '--congestion <name>',
      'bulk (default) keeps links filled; fair shares them with other traffic',
      usable(parseCongestion),
    )
    .option(
      '--max-rate <rate>',
      'bytes a second sent to all peers together, such as 20M or "8M 08:00-18:00"; may be repeated',
      collect(usable(parseMaxRate)),
      [],
    )
    .option(
      '--seed <dir>',
      'files outside the volume that peers need not send again; may be repeated (see pfs seed)',
      collect(String),
      [],
    )
    .option(
      '--index-memory <size>',
      'the most memory for the index of chunks, such as 64M: with more chunks it finds fewer of them (default: no bound)',
      usable(parseIndexBytes),
    )
    .option('-s, --sloppy', 'ignore mount options that are not known')
    .addOption(new Option('--log-level <level>', 'what is logged').choices(LOG_LEVELS).default('info'))
    .option('--daemon', 'go to the background once mounted')
    .option(
      '--daemon-wait <time>',
      'how long --daemon waits for the mount',
      usable(parseDurationMs),
      parseDurationMs(DEFAULT_DAEMON_WAIT),
    )
    .allowExcessArguments(false)
    .exitOverride();
}

/** Flags win over -o where both say something. */
function requestOf(directory: unknown, flags: Flags): Request {
  const options = parseMountOptions(flags.options.join(','), { sloppy: flags.sloppy === true });
  return {
    directory: String(directory),
    stateDirectory: resolve(flags.state ?? options.stateDirectory ?? DEFAULT_STATE_DIRECTORY),
    listen: flags.listen ?? options.listen ?? DEFAULT_LISTEN,
    peers: [...flags.peer, ...options.peers],
    backend: flags.fuseBackend ?? options.backend ?? 'libfuse3',
    congestion: flags.congestion ?? options.congestion ?? 'bulk',
    // A schedule is one thing: that of the flags, or else that of the options.
    maxRates: checkMaxRates(flags.maxRate.length > 0 ? flags.maxRate : options.maxRates),
    indexBytesMax: flags.indexMemory ?? options.indexBytesMax,
    seeds: [...flags.seed, ...options.seeds].map((seed) => resolve(seed)),
    logLevel: flags.logLevel,
    options,
  };
}

async function detach(request: Request, start: { parameters: readonly string[]; waitMs: number }): Promise<void> {
  await prepareMountPoint(request.directory);
  await startDetached({
    directory: request.directory,
    parameters: start.parameters.filter((parameter) => parameter !== '--daemon'),
    logPath: request.options.logPath ?? join(request.stateDirectory, LOG_NAME),
    waitMs: start.waitMs,
  });
}

async function serve(request: Request): Promise<void> {
  boundHeapGrowth();
  delayOptimization();
  const logger = createLogger({ level: request.logLevel });
  const interrupted = interruption();
  const mountPoint = await prepareMountPoint(request.directory);
  process.chdir('/'); // no directory is kept busy by a daemon that was started in it
  const { stateDirectory, listen, peers, congestion, maxRates, seeds, indexBytesMax } = request;
  const daemon = await startDaemon({
    ...{ stateDirectory, listen, peers, congestion, maxRates, seeds, logger, mountPoint },
    ...(indexBytesMax === undefined ? {} : { indexBytesMax }),
  });
  try {
    const settings = settingsOf(mountPoint, request.options);
    const session = createSession({ backend: request.backend, settings, contents: daemon.contents, logger });
    await session.start(daemon.fileSystem);
    const mountId = findMount(mountPoint)?.id;
    logger.info({ mountPoint, backend: session.backend, stateDirectory }, 'mounted');
    releaseParent();
    native.notifyServiceManager('READY=1');
    await untilEnd(session, { interrupted, logger });
    if (mountId !== undefined) await removeDeadMount(mountPoint, mountId);
  } finally {
    native.notifyServiceManager('STOPPING=1');
    await daemon.stop();
  }
  logger.info({ mountPoint }, 'stopped');
}

/** Ends with the session: after a signal the mount is given up, in use or not. */
async function untilEnd(
  session: FuseSession,
  { interrupted, logger }: { interrupted: Promise<string>; logger: Logger },
): Promise<void> {
  const first = await Promise.race([session.ended, interrupted]);
  if (typeof first !== 'string') {
    logger.info({ errno: first.errno }, 'unmounted from outside');
    return;
  }
  logger.info({ signal: first }, 'stopping');
  try {
    await session.stop({ force: false });
  } catch (error) {
    logger.warn({ error }, 'the mount is in use: its users will get errors');
    await session.stop({ force: true });
  }
}

/** After an abort of the connection the mount is still listed, and answers every call with an error. */
async function removeDeadMount(mountPoint: string, mountId: number): Promise<void> {
  if (findMount(mountPoint)?.id === mountId) await unmountPath(mountPoint, { lazily: true });
}

function interruption(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    process.once('SIGHUP', resolve); // the terminal went: as clean an end as the others
  });
}

function describe(error: unknown): string {
  if (isPacketFsError(error)) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Lets commander name the flag in its complaint. */
function usable<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

const collect =
  <Value>(parse: (text: string) => Value) =>
  (text: string, earlier: readonly Value[]): Value[] => [...earlier, parse(text)];

process.exit(await main(process.argv.slice(2)));
