// Names: finding, making, removing and moving them. All synchronous over the namespace but the rename over a file,
// which first makes a version of what the source has unsaved, so a crash or a peer never shows it empty or mixed.
import { isPacketFsError, PacketFsError } from '../base/errors.ts';
import { type InodeNumber, MIB } from '../base/units.ts';
import { toNative } from '../extent/native.ts';
import type { NewInode } from '../namespace/types.ts';
import type { Attributes } from './attributes.ts';
import { isDirectory, isFile, MODE_SET_GROUP } from './modes.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import type { DirectoryListing, FileSystem, InodeAttributes, NewNode } from './volume.ts';

/** Larger files have stored chunks that tell what was replaced, and perhaps very many extents. */
const REPLACED_BYTES_MAX = BigInt(64 * MIB);

type RenameOptions = Parameters<FileSystem['rename']>[0];

export class Directories {
  readonly #parts: VolumeParts;
  readonly #files: OpenFiles;
  readonly #attributes: Attributes;

  constructor(parts: VolumeParts, files: OpenFiles, attributes: Attributes) {
    this.#parts = parts;
    this.#files = files;
    this.#attributes = attributes;
  }

  lookup(parent: InodeNumber, name: Uint8Array): InodeAttributes {
    const record = this.#parts.namespace.lookup(parent, name);
    if (record === undefined) throw new PacketFsError('PFS_NO_ENTRY', 'there is nothing under this name');
    this.#files.noteLookup(record.inode);
    return this.#attributes.of(record);
  }

  createNode(node: NewNode): InodeAttributes {
    this.#parts.latch.assertWritable();
    const record = this.#parts.namespace.createInode(this.#inodeOf(node));
    if (node.name === undefined) this.#files.noteNameless(record.inode);
    this.#files.noteLookup(record.inode);
    return this.#attributes.of(record);
  }

  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeAttributes {
    this.#parts.latch.assertWritable();
    const record = this.#parts.namespace.link(inode, parent, name);
    this.#files.noteLookup(inode);
    return this.#attributes.of(record);
  }

  unlink(parent: InodeNumber, name: Uint8Array): InodeNumber {
    this.#parts.latch.assertWritable();
    const record = this.#parts.namespace.unlink(parent, name);
    this.#files.reapIfGone(record.inode);
    this.#showVanished();
    return record.inode;
  }

  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeNumber {
    this.#parts.latch.assertWritable();
    const record = this.#parts.namespace.removeDirectory(parent, name);
    this.#files.reapIfGone(record.inode);
    this.#showVanished();
    return record.inode;
  }

  rename(options: RenameOptions): Promise<readonly InodeNumber[]> | readonly InodeNumber[] {
    this.#parts.latch.assertWritable();
    const source = this.#unsavedSource(options);
    if (source === undefined) return this.#renameNow(options);
    return this.#files.saveVersion(source).then(() => this.#renameNow(options));
  }

  readLink(inode: InodeNumber): Uint8Array {
    const { target } = this.#attributes.record(inode);
    if (target === undefined) throw new PacketFsError('PFS_INVALID', 'only symbolic links have a target');
    return target;
  }

  readDirectory(inode: InodeNumber): DirectoryListing {
    return this.#parts.namespace.readDirectory(inode);
  }

  parentOf(directory: InodeNumber): InodeNumber {
    return this.#parts.namespace.parentOf(directory);
  }

  /** The caller's ids; in a set-group directory its group, and the bit goes on to directories (inode(7)). */
  #inodeOf(node: NewNode): NewInode {
    const parent = this.#attributes.record(node.parent);
    const inherits = isDirectory(parent.mode) && (parent.mode & MODE_SET_GROUP) !== 0;
    return {
      parent: node.parent,
      name: node.name,
      mode: inherits && isDirectory(node.mode) ? node.mode | MODE_SET_GROUP : node.mode,
      uid: node.caller.uid,
      gid: inherits ? parent.gid : node.caller.gid,
      ...(node.device === undefined ? {} : { device: node.device }),
      ...(node.target === undefined ? {} : { target: node.target }),
    };
  }

  /** The node that would take over a name while it has bytes that are not in a version yet. */
  #unsavedSource(options: RenameOptions): InodeNumber | undefined {
    if (options.flags === 'noreplace') return undefined;
    const source = this.#parts.namespace.lookup(options.parent, options.name);
    if (source === undefined || this.#files.stateOf(this.#files.nodeOf(source.inode))?.dirty !== true) return undefined;
    const target = this.#parts.namespace.lookup(options.newParent, options.newName);
    return target === undefined ? undefined : this.#files.nodeOf(source.inode);
  }

  #renameNow(options: RenameOptions): readonly InodeNumber[] {
    this.#parts.latch.assertWritable();
    this.#noteReplaced(options);
    const { moved, replaced } = this.#parts.namespace.rename(options);
    this.#showVanished();
    if (replaced === undefined) return [moved.inode];
    this.#files.reapIfGone(replaced.inode);
    return [moved.inode, replaced.inode];
  }

  /** The file that loses its name has bytes like those of the one that takes it: they are sent as a delta to it. */
  #noteReplaced(options: RenameOptions): void {
    const { namespace, blob } = this.#parts;
    if (options.flags !== 'replace') return;
    const source = namespace.lookup(options.parent, options.name);
    const target = namespace.lookup(options.newParent, options.newName);
    if (source === undefined || target === undefined || !isFile(source.mode) || !isFile(target.mode)) return;
    if (source.size > REPLACED_BYTES_MAX || target.size > REPLACED_BYTES_MAX) return;
    try {
      blob.noteReplaced(toNative(namespace.extents(source.inode)), toNative(namespace.extents(target.inode)));
    } catch (error) {
      // Damaged extents are reported to who reads them; to be renamed or replaced a file need not be whole.
      if (!isPacketFsError(error, 'PFS_CORRUPT')) throw error;
    }
  }

  /** The kernel knows of the name that it took away, not of the directory that went with it. */
  #showVanished(): void {
    const vanished = this.#parts.namespace.takeVanished();
    if (vanished === undefined) return;
    const inodes = vanished.inodes.flatMap(({ inode }) => this.#files.nodesOf(inode));
    this.#parts.invalidations.publish({ inodes, entries: vanished.entries });
    for (const inode of vanished.unlinked) this.#files.reapIfGone(inode);
  }
}
