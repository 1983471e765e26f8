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
  files.rememberRecords();
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
  const nodes = new Set<InodeNumber>();
  const entries = applied.flatMap((outcome) => outcome.entries);
  for (const inode of new Set(applied.flatMap((outcome) => outcome.contents))) {
    for (const node of files.nodesOf(inode)) nodes.add(node);
    const outcome = files.replaceContent(inode);
    if (outcome === 'node') entries.push(...parts.namespace.namesOf(inode));
    if (outcome === 'grown' && !parts.invalidations.isHeard) parts.contents.reveal(files.nodeOf(inode));
  }
  for (const inode of new Set(applied.flatMap((outcome) => outcome.inodes))) {
    for (const node of files.nodesOf(inode)) nodes.add(node);
  }
  parts.invalidations.publish({ inodes: [...nodes], entries });
  for (const inode of applied.flatMap((outcome) => outcome.unlinked)) files.reapIfGone(inode);
}
