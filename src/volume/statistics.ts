// statfs(2) of the volume: the truth of the disk under the state directory. A file's bytes take at most what they take
// there, so no number is scaled by what matching may save; what data must leave free is not available.
import fs from 'node:fs';
import { PacketFsError } from '../base/errors.ts';
import { DISK_RESERVE_BYTES } from '../base/limits.ts';
import type { VolumeStatistics } from './volume.ts';

export function statisticsOf(directory: string, inodes: bigint): VolumeStatistics {
  const disk = statisticsOfDisk(directory);
  const reserve = (BigInt(DISK_RESERVE_BYTES) + disk.bsize - 1n) / disk.bsize;
  const available = disk.bavail > reserve ? disk.bavail - reserve : 0n;
  // Inodes are rows of the namespace: as many as fit in the free space, at one block each.
  const filesFree = available;
  return {
    blockSize: Number(disk.bsize),
    blocks: disk.blocks,
    blocksFree: disk.bfree,
    blocksAvailable: available,
    files: inodes + filesFree,
    filesFree,
  };
}

/** What this process may still write. A filesystem that does not tell its size counts as roomy. */
export function freeBytesOf(directory: string): bigint {
  const disk = statisticsOfDisk(directory);
  return disk.blocks === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : disk.bavail * disk.bsize;
}

function statisticsOfDisk(directory: string): fs.BigIntStatsFs {
  try {
    return fs.statfsSync(directory, { bigint: true });
  } catch (cause) {
    throw new PacketFsError('PFS_IO', 'the state directory does not answer statfs; see its disk', { cause });
  }
}
