// Attributes of inodes as stat(2) shows them, and changing them. An open file's size and times are those of the content
// store, ahead of the namespace by what is not yet a version.
import type { ContentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { type InodeNumber, type Nanoseconds, nanoseconds } from '../base/units.ts';
import type { AttributeGroups, InodeRecord } from '../namespace/types.ts';
import { MODE_PERMISSIONS, MODE_TYPE, modeAfterOwnerChange } from './modes.ts';
import { inodeOfNode } from './nodes.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import type { AttributeChanges, InodeAttributes, JournaledAttributes, TimeChange } from './volume.ts';

const BLOCK_BYTES = 512n;

/** `node`: what the kernel knows it as; `shown`: whose times are told. */
function attributesOf(
  record: InodeRecord,
  { node, shown, state }: { node: InodeNumber; shown: InodeRecord; state: ContentState | undefined },
): InodeAttributes {
  const written = state?.modified;
  const modified = written === undefined ? shown.modified : nanoseconds(written);
  return {
    inode: node,
    generation: 0, // inode numbers are never used again
    mode: record.mode,
    uid: record.uid,
    gid: record.gid,
    links: record.links,
    device: record.device,
    size: state?.size ?? (record.target === undefined ? record.size : BigInt(record.target.length)),
    blocks: ((state?.allocatedBytes ?? record.allocatedBytes) + BLOCK_BYTES - 1n) / BLOCK_BYTES,
    accessed: record.accessed,
    modified,
    changed: written !== undefined && modified > shown.changed ? modified : shown.changed,
  };
}

export class Attributes {
  readonly #parts: VolumeParts;
  readonly #files: OpenFiles;

  constructor(parts: VolumeParts, files: OpenFiles) {
    this.#parts = parts;
    this.#files = files;
  }

  of(record: InodeRecord): InodeAttributes {
    const node = this.#files.nodeOf(record.inode);
    return attributesOf(record, { node, shown: record, state: this.#files.stateOf(node) });
  }

  /** Of a node of before a remote change: size and times of then. */
  ofNode(node: InodeNumber): InodeAttributes {
    const record = this.record(inodeOfNode(node));
    const shown = this.#files.pinnedRecord(node) ?? record;
    return attributesOf(record, { node, shown, state: this.#files.stateOf(node) });
  }

  /** PFS_STALE when the inode is gone. */
  record(inode: InodeNumber): InodeRecord {
    const record = this.#parts.namespace.inode(inode);
    if (record === undefined) throw new PacketFsError('PFS_STALE', 'the inode does not exist any more');
    return record;
  }

  change(node: InodeNumber, changes: AttributeChanges): InodeAttributes | Promise<InodeAttributes> {
    this.#parts.latch.assertWritable();
    this.record(inodeOfNode(node));
    const { size } = changes;
    if (size === undefined) return this.#changeGroups(node, changes);
    return this.#changeSize(node, size, changes);
  }

  /** It has happened, and the content store knows of a time that was set. */
  noteChanged(inode: InodeNumber, { now, override, groups }: JournaledAttributes): void {
    const { namespace, committer } = this.#parts;
    const { modified, ...others } = groups;
    const counts = modified === undefined || this.#files.noteExplicitTime(inode, override);
    namespace.setAttributesJournaled(inode, counts ? groups : others, now);
    committer.noteJournaled();
  }

  async #changeSize(node: InodeNumber, size: bigint, changes: AttributeChanges): Promise<InodeAttributes> {
    assert(size >= 0n, 'a size is not negative');
    await this.#files.truncate(node, size);
    // truncate(2) changes the time of modification even where the size stays what it was.
    return this.#changeGroups(node, { ...changes, modified: changes.modified ?? 'now' });
  }

  #changeGroups(node: InodeNumber, changes: AttributeChanges): InodeAttributes {
    const { namespace } = this.#parts;
    const inode = inodeOfNode(node);
    const groups = this.#groupsOf(this.record(inode), changes);
    const current = this.#files.nodeOf(inode);
    if (groups.modified !== undefined) this.#files.forgetModified(current);
    namespace.setAttributes(inode, groups);
    return this.ofNode(node);
  }

  #groupsOf(record: InodeRecord, changes: AttributeChanges): AttributeGroups {
    const ownerChanges = changes.uid !== undefined || changes.gid !== undefined;
    const clears = ownerChanges || changes.clearSetId === true;
    const mode = changes.mode ?? (clears ? modeAfterOwnerChange(record.mode) : undefined);
    const modeChanges = mode !== undefined && (changes.mode !== undefined || mode !== record.mode);
    return {
      ...(modeChanges ? { mode: (record.mode & MODE_TYPE) | (mode & MODE_PERMISSIONS) } : {}),
      ...(changes.uid === undefined ? {} : { uid: changes.uid }),
      ...(changes.gid === undefined ? {} : { gid: changes.gid }),
      ...(changes.accessed === undefined ? {} : { accessed: this.#time(changes.accessed) }),
      ...(changes.modified === undefined ? {} : { modified: this.#time(changes.modified) }),
    };
  }

  #time(change: TimeChange): Nanoseconds {
    return change === 'now' ? this.#parts.clock.wall() : change;
  }
}
