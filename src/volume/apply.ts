// Applying a peer's batches: into the namespace, to the open files, to the kernel's caches, then one durable commit.
import type { InodeNumber } from '../base/units.ts';
import type { AppliedBatch } from '../namespace/types.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';

/** Batches that are ready, in order; resolves when they are durable. PFS_CORRUPT if one is malformed. */
export async function applyBatches(
  parts: VolumeParts,
  files: OpenFiles,
  batches: readonly Uint8Array[],
): Promise<void> {
  if (parts.invalidations.isFull) await parts.invalidations.room();
  parts.latch.assertWritable();
  const applied: AppliedBatch[] = [];
  try {
    for (const batch of batches) {
      const outcome = parts.namespace.apply(batch);
      if (outcome !== undefined) applied.push(outcome);
    }
  } finally {
    show(parts, files, applied); // those before a malformed one are applied and stay so
    parts.committer.flushJournal();
  }
  await parts.committer.commit();
}

function show(parts: VolumeParts, files: OpenFiles, applied: readonly AppliedBatch[]): void {
  const inodes = new Set<InodeNumber>();
  for (const outcome of applied) {
    for (const inode of outcome.contents) files.replaceContent(inode);
    for (const inode of outcome.inodes) inodes.add(inode);
  }
  parts.invalidations.publish({ inodes: [...inodes], entries: applied.flatMap((outcome) => outcome.entries) });
  for (const inode of applied.flatMap((outcome) => outcome.unlinked)) files.reapIfGone(inode);
}
