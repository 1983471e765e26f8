#!/usr/bin/env node
// `mount.pfs SRC DIR [-sfnv] [-o …]`, what mount(8) runs for `mount -t pfs` and fstab. Always goes to the background and
// exits 0 only when DIR is mounted; else it says what was wrong and exits 32 (1 for usage, 2 when nothing could be tried).
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { isPacketFsError, PacketFsError } from '../src/base/errors.ts';
import { startDetached } from './daemonize.ts';
import { MOUNT_EXIT_CODES } from './exit-codes.ts';
import { prepareMountPoint } from './mount-point.ts';
import { parseMountOptions } from './options.ts';

const DEFAULT_STATE_DIRECTORY = '/var/lib/packetfs/default';
const LOG_NAME = 'pfs-mount.log';
const WAIT_MS = 30_000;
const USAGE = 'usage: mount.pfs SRC DIR [-sfnv] [-o options]';

interface Request {
  readonly source: string;
  readonly directory: string;
  readonly optionText: string;
  readonly isSloppy: boolean;
  readonly isFake: boolean;
  readonly isVerbose: boolean;
}

async function main(parameters: readonly string[]): Promise<number> {
  try {
    await mount(readParameters(parameters));
    return MOUNT_EXIT_CODES.success;
  } catch (error) {
    process.stderr.write(`mount.pfs: ${error instanceof Error ? error.message : String(error)}\n`);
    if (isPacketFsError(error, 'PFS_USAGE')) return MOUNT_EXIT_CODES.usage;
    return isPacketFsError(error, 'PFS_MOUNT') ? MOUNT_EXIT_CODES.mountFailed : MOUNT_EXIT_CODES.system;
  }
}

async function mount(request: Request): Promise<void> {
  const { source, directory, optionText, isSloppy } = request;
  const options = parseMountOptions(optionText, { sloppy: isSloppy });
  if (options.remount) {
    await remount(request);
    return;
  }
  await prepareMountPoint(directory);
  if (request.isFake) return;
  const stateFromSource = source.startsWith('/') ? source : DEFAULT_STATE_DIRECTORY;
  const stateDirectory = options.stateDirectory ?? stateFromSource;
  const sourceName = options.sourceName ?? source;
  const logPath = options.logPath ?? join(stateDirectory, LOG_NAME);
  const parameters = [directory, '--state', stateDirectory, '-o', `fsname="${sourceName}"`];
  if (optionText !== '') parameters.push('-o', optionText);
  if (isSloppy) parameters.push('--sloppy');
  if (request.isVerbose)
    process.stdout.write(`mount.pfs: ${source} on ${directory}, state ${stateDirectory}, log ${logPath}\n`);
  await startDetached({ directory, parameters, logPath, waitMs: WAIT_MS });
}

/** The daemon goes on: only the kernel's flags of the mount change. */
async function remount({ directory, optionText }: Request): Promise<void> {
  const { kernelFlags, readOnly } = parseMountOptions(optionText, { sloppy: true });
  const flags = ['remount', readOnly ? 'ro' : 'rw', ...kernelFlags].join(',');
  try {
    await promisify(execFile)('mount', ['--internal-only', '-o', flags, directory]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PacketFsError('PFS_MOUNT', `Cannot remount ${directory}: ${reason}`, { cause });
  }
}

function readParameters(parameters: readonly string[]): Request {
  const { values, positionals } = parse(parameters);
  const [source, directory, ...excess] = positionals;
  if (source === undefined || directory === undefined || excess.length > 0) {
    throw new PacketFsError('PFS_USAGE', USAGE);
  }
  if (source.includes('"')) throw new PacketFsError('PFS_USAGE', 'A source must not contain double quotes.');
  return {
    source,
    directory,
    optionText: values.o.join(','),
    isSloppy: values.s,
    isFake: values.f,
    isVerbose: values.v,
  };
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        o: { type: 'string', short: 'o', multiple: true, default: [] },
        s: { type: 'boolean', short: 's', default: false },
        f: { type: 'boolean', short: 'f', default: false },
        // Not writing mtab is what happens anyway: it is a link to /proc.
        n: { type: 'boolean', short: 'n', default: false },
        v: { type: 'boolean', short: 'v', default: false },
        // The type, as mount(8) passes it for `-t pfs.SUBTYPE`.
        t: { type: 'string', short: 't' },
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PacketFsError('PFS_USAGE', `${reason} (${USAGE})`, { cause });
  }
}

process.exit(await main(process.argv.slice(2)));
