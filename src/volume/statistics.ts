// statfs(2) of the volume: the truth of the disk under the state directory. A file's bytes take at most what they take
// there, so no number is scaled by what matching may save.
import fs from 'node:fs';
import { PacketFsError } from '../base/errors.ts';
import type { VolumeStatistics } from './volume.ts';

export function statisticsOf(directory: string, inodes: bigint): VolumeStatistics {
  let disk: fs.BigIntStatsFs;
  try {
    disk = fs.statfsSync(directory, { bigint: true });
  } catch (cause) {
    throw new PacketFsError('PFS_IO', 'the state directory does not answer statfs; see its disk', { cause });
  }
  // Inodes are rows of the namespace: as many as fit in the free space, at one block each.
  const filesFree = disk.bavail;
  return {
    blockSize: Number(disk.bsize),
    blocks: disk.blocks,
    blocksFree: disk.bfree,
    blocksAvailable: disk.bavail,
    files: inodes + filesFree,
    filesFree,
  };
}
