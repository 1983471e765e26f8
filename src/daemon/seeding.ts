// Seeds by name: which directories may be one, and what `pfs seed` is told of them. Nothing here waits for a filesystem on
// the JavaScript thread: the directory may lie in the mount that this thread serves.
import { realpath, stat } from 'node:fs/promises';
import { PacketFsError } from '../base/errors.ts';
import type { SeedsStatus } from '../control/methods.ts';
import type { Replicator } from '../replication/replicator.ts';
import type { Volume } from '../volume/open-volume.ts';
import { withinPatience } from '../volume/patience.ts';

export interface SeedingSources {
  readonly volume: Volume;
  readonly replicator: Replicator;
  readonly stateDirectory: string;
  readonly mountPoint: string;
}

/** PFS_USAGE when it is not a directory, or one whose files are the volume's own. */
export async function addSeed(sources: SeedingSources, path: string): Promise<SeedsStatus> {
  const { directory, excluded } = await resolved(sources, path);
  sources.volume.seeds.add({ path: directory, excluded, isAwaited: false });
  return seedsStatusOf(sources);
}

/** What was named at the mount: what cannot be used is shown as failed, and neither that nor a dead disk fails the mount. */
export async function addMountSeeds(sources: SeedingSources, paths: readonly string[]): Promise<void> {
  const { seeds } = sources.volume;
  const adding = paths.map(async (path) => {
    try {
      const { directory, excluded } = await resolved(sources, path);
      seeds.add({ path: directory, excluded, isAwaited: true });
    } catch (error) {
      seeds.addFailed(path, reasonOf(error));
    }
  });
  await withinPatience(Promise.all(adding));
}

export async function forgetSeed(sources: SeedingSources, path: string): Promise<SeedsStatus> {
  const { seeds } = sources.volume;
  const known = seeds.directories().some((directory) => directory.path === path);
  seeds.forget(known ? path : await realpath(path).catch(() => path)); // what does not exist is no seed
  return seedsStatusOf(sources);
}

export function seedsStatusOf({ volume, replicator }: SeedingSources): SeedsStatus {
  const { chunks, memoryBytes } = volume.seeds.usage();
  const filled = replicator.status().peers.reduce((sum, { counters }) => sum + counters.recipeBytesFilled, 0);
  // Those of a mount are found as fast as their disks answer, in any order.
  const directories = volume.seeds.directories().toSorted((left, right) => (left.path < right.path ? -1 : 1));
  return { directories, chunks, memoryBytes, bytesFilled: String(filled) };
}

async function resolved(
  { stateDirectory, mountPoint }: SeedingSources,
  path: string,
): Promise<{ readonly directory: string; readonly excluded: readonly string[] }> {
  const excluded = [await realpath(stateDirectory), ...(mountPoint === '' ? [] : [mountPoint])];
  refuseOwn(path, excluded); // before anything looks into the mount
  const directory = await directoryAt(path);
  refuseOwn(directory, excluded);
  return { directory, excluded };
}

function refuseOwn(path: string, own: readonly string[]): void {
  if (!own.some((directory) => path === directory || path.startsWith(`${directory}/`))) return;
  throw new PacketFsError('PFS_USAGE', `${path} belongs to the volume itself: seeds are directories outside of it.`);
}

async function directoryAt(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    throw new PacketFsError('PFS_USAGE', `${path} cannot be a seed: ${reasonOf(cause)}.`, { cause });
  }
  throw new PacketFsError(
    'PFS_USAGE',
    `${path} is not a directory: give one whose files are like those of the volume.`,
  );
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
