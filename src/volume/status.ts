// What a volume tells about itself for `pfs status` and metrics.
import type { CacheStatistics } from '../namespace/types.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';

export interface VolumeStatus {
  /** `full`: the disk has no space for a commit. */
  readonly state: 'writable' | 'full' | 'read-only';
  /** Why it is not writable; empty while it is. */
  readonly reason: string;
  readonly epoch: number;
  /** Last own operation that is durable. */
  readonly sequence: bigint;
  readonly inodes: bigint;
  /** Those too that the mount keeps open for their next reader. */
  readonly openFiles: number;
  readonly dirtyBytes: number;
  readonly commits: number;
  /** About so many where the index does not know of each. */
  readonly chunks: number;
  readonly indexMemoryBytes: number;
  /** It knows of one in so many chunks. */
  readonly indexOneIn: number;
  /** Decoded inodes and names of directories in memory. */
  readonly cache: CacheStatistics;
  /** What the kernel holds of the volume, with the memory for knowing it, and what it is yet to be told. */
  readonly kernel: { readonly inodes: number; readonly bytes: number; readonly invalidationsQueued: number };
  readonly ingest: {
    readonly bytes: number;
    readonly matchedBytes: number;
    readonly appendedBytes: number;
    readonly zeroBytes: number;
  };
}

export function statusOf(parts: VolumeParts, files: OpenFiles): VolumeStatus {
  const { namespace, blob, contents, committer } = parts;
  const index = blob.index();
  return {
    ...stateOf(parts),
    epoch: namespace.ownLog.epoch,
    sequence: namespace.ownLog.durableSequence,
    inodes: namespace.statistics().inodes,
    openFiles: files.count,
    dirtyBytes: contents.dirtyBytes(),
    commits: committer.commits,
    chunks: index.chunks * index.oneIn,
    indexMemoryBytes: index.memoryBytes,
    indexOneIn: index.oneIn,
    cache: namespace.statistics().cache,
    kernel: { ...files.kernelInodes, invalidationsQueued: parts.invalidations.queuedCount },
    ingest: blob.totals(),
  };
}

function stateOf({ latch, committer }: VolumeParts): Pick<VolumeStatus, 'state' | 'reason'> {
  if (latch.reason !== undefined) return { state: 'read-only', reason: latch.reason };
  if (!committer.waitsForSpace) return { state: 'writable', reason: '' };
  return { state: 'full', reason: 'the disk of the state directory is full: changes wait to be committed' };
}
