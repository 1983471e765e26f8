// Attributes of inodes as stat(2) shows them, and changing them. An open file's size and times are those of the content
// store, ahead of the namespace by what is not yet a version.
import type { ContentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { type InodeNumber, type Nanoseconds, nanoseconds } from '../base/units.ts';
import type { AttributeGroups, InodeRecord } from '../namespace/types.ts';
import { MODE_PERMISSIONS, MODE_TYPE, modeAfterOwnerChange } from './modes.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import type { AttributeChanges, InodeAttributes, TimeChange } from './volume.ts';

const BLOCK_BYTES = 512n;

export function attributesOf(record: InodeRecord, state: ContentState | undefined): InodeAttributes {
  const written = state?.modified;
  const modified = written === undefined ? record.modified : nanoseconds(written);
  return {
    inode: record.inode,
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
    changed: written !== undefined && modified > record.changed ? modified : record.changed,
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
    return attributesOf(record, this.#files.stateOf(record.inode));
  }

  /** PFS_STALE when the inode is gone. */
  record(inode: InodeNumber): InodeRecord {
    const record = this.#parts.namespace.inode(inode);
    if (record === undefined) throw new PacketFsError('PFS_STALE', 'the inode does not exist any more');
    return record;
  }

  change(inode: InodeNumber, changes: AttributeChanges): InodeAttributes | Promise<InodeAttributes> {
    this.#parts.latch.assertWritable();
    this.record(inode);
    const { size } = changes;
    if (size === undefined) return this.#changeGroups(inode, changes);
    return this.#changeSize(inode, size, changes);
  }

  async #changeSize(inode: InodeNumber, size: bigint, changes: AttributeChanges): Promise<InodeAttributes> {
    assert(size >= 0n, 'a size is not negative');
    await this.#files.truncate(inode, size);
    // truncate(2) changes the time of modification even where the size stays what it was.
    return this.#changeGroups(inode, { ...changes, modified: changes.modified ?? 'now' });
  }

  #changeGroups(inode: InodeNumber, changes: AttributeChanges): InodeAttributes {
    const { namespace, contents } = this.#parts;
    const groups = this.#groupsOf(this.record(inode), changes);
    if (groups.modified !== undefined && this.#files.isOpen(inode)) {
      this.#files.takeVersion(inode);
      contents.forgetModified(inode);
    }
    return this.of(namespace.setAttributes(inode, groups));
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
