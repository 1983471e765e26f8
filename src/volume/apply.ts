// Applying a peer's batches: into the namespace, to the open files, to the kernel's caches, then one durable commit.
import { assert } from '../base/assert.ts';
import type { InodeNumber } from '../base/units.ts';
import type { AppliedBatch, InodeRecord } from '../namespace/types.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';

const SAVE_TRIES_MAX = 10;

/** Batches that are ready, in order; resolves when they are durable. PFS_CORRUPT if one is malformed. */
export async function applyBatches(
  parts: VolumeParts,
  files: OpenFiles,
  batches: readonly Uint8Array[],
): Promise<void> {
  if (parts.invalidations.isFull) await parts.invalidations.room();
  // What was closed is to be a version of its own, not a mixture; who closes without end does not stop a peer.
  for (let tries = 0; files.saves.hasReleased && tries < SAVE_TRIES_MAX; tries += 1) await files.saves.saveReleased();
  const resume = parts.posts.suspend();
  try {
    parts.latch.assertWritable();
    applyAndShow(parts, files, batches);
  } finally {
    resume();
  }
  await parts.committer.commit();
}

function applyAndShow(parts: VolumeParts, files: OpenFiles, batches: readonly Uint8Array[]): void {
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
}

function show(parts: VolumeParts, files: OpenFiles, applied: readonly AppliedBatch[]): void {
  const before = firstOfEach(applied.flatMap((outcome) => outcome.inodes));
  const nodes = new Set([...before.keys()].flatMap((inode) => files.nodesOf(inode)));
  const entries = applied.flatMap((outcome) => outcome.entries);
  for (const inode of new Set(applied.flatMap((outcome) => outcome.contents))) {
    const record = before.get(inode);
    assert(record !== undefined, 'a change of content is a change of the inode');
    const outcome = files.replaceContent(record);
    if (outcome === 'node') entries.push(...parts.namespace.namesOf(inode));
    if (outcome === 'grown' && !parts.invalidations.isHeard) parts.contents.reveal(files.nodeOf(inode));
  }
  for (const inode of before.keys()) for (const node of files.nodesOf(inode)) nodes.add(node);
  parts.invalidations.publish({ inodes: [...nodes], entries });
  for (const inode of applied.flatMap((outcome) => outcome.unlinked)) files.reapIfGone(inode);
}

/** Several batches may have changed one inode: as it was before all of them. */
function firstOfEach(records: readonly InodeRecord[]): Map<InodeNumber, InodeRecord> {
  const first = new Map<InodeNumber, InodeRecord>();
  for (const record of records) if (!first.has(record.inode)) first.set(record.inode, record);
  return first;
}
