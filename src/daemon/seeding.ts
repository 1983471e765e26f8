// Seeds by name: which directories may be one, and what `pfs seed` is told of them.
import { realpathSync, statSync } from 'node:fs';
import { PacketFsError } from '../base/errors.ts';
import type { SeedsStatus } from '../control/methods.ts';
import type { Replicator } from '../replication/replicator.ts';
import type { Volume } from '../volume/open-volume.ts';

export interface SeedingSources {
  readonly volume: Volume;
  readonly replicator: Replicator;
  readonly stateDirectory: string;
  readonly mountPoint: string;
}

/** PFS_USAGE when it is not a directory, or one whose files are the volume's own. */
export function addSeed(sources: SeedingSources, path: string): SeedsStatus {
  const { volume, stateDirectory, mountPoint } = sources;
  const directory = directoryAt(path);
  for (const own of [stateDirectory, mountPoint]) {
    if (own !== '' && isAtOrBelow(directory, own)) {
      throw new PacketFsError(
        'PFS_USAGE',
        `${path} belongs to the volume itself: seeds are directories outside of it.`,
      );
    }
  }
  volume.seeds.add(directory);
  return seedsStatusOf(sources);
}

export function forgetSeed(sources: SeedingSources, path: string): SeedsStatus {
  const { volume } = sources;
  const known = volume.seeds.directories().some((directory) => directory.path === path);
  volume.seeds.forget(known ? path : directoryAt(path));
  return seedsStatusOf(sources);
}

export function seedsStatusOf({ volume, replicator }: SeedingSources): SeedsStatus {
  const { chunks, memoryBytes } = volume.seeds.usage();
  const filled = replicator.status().peers.reduce((sum, { counters }) => sum + counters.recipeBytesFilled, 0);
  return { directories: volume.seeds.directories(), chunks, memoryBytes, bytesFilled: String(filled) };
}

function directoryAt(path: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isDirectory()) return real;
  } catch (cause) {
    throw new PacketFsError('PFS_USAGE', `${path} cannot be a seed: ${reasonOf(cause)}.`, { cause });
  }
  throw new PacketFsError(
    'PFS_USAGE',
    `${path} is not a directory: give one whose files are like those of the volume.`,
  );
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`);
