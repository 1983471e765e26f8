// Names: finding, making, removing and moving them. All synchronous over the namespace but the rename over a file,
// which first makes a version of what the source has unsaved, so a crash or a peer never shows it empty or mixed.
import { PacketFsError } from '../base/errors.ts';
import type { InodeNumber } from '../base/units.ts';
import type { NewInode } from '../namespace/types.ts';
import type { Attributes } from './attributes.ts';
import { isDirectory, isFile, MODE_SET_GROUP } from './modes.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import type { CreatedFile, DirectoryListing, FileSystem, InodeAttributes, NewNode } from './volume.ts';

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
    else this.#parts.formerNames.made(node.parent, node.name, record);
    this.#files.noteLookup(record.inode);
    return this.#attributes.of(record);
  }

  /** It has happened: a volume that takes no more changes shows it nevertheless. */
  noteCreated({ now, write, ...file }: CreatedFile): void {
    const { namespace, formerNames, committer } = this.#parts;
    const record = namespace.createJournaled(file, now);
    formerNames.made(file.parent, file.name, record);
    this.#files.noteLookup(record.inode);
    this.#files.adopt(record, { write });
    committer.noteJournaled();
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
    this.#parts.formerNames.removed(parent, name, record);
    this.#files.reapIfGone(record.inode);
    this.#showVanished();
    return record.inode;
  }

  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeNumber {
    this.#parts.latch.assertWritable();
    const record = this.#parts.namespace.removeDirectory(parent, name);
    this.#parts.formerNames.removed(parent, name, record);
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
    this.#noteMoved(options);
    const { moved, replaced } = this.#parts.namespace.rename(options);
    this.#showVanished();
    if (replaced === undefined) return [moved.inode];
    this.#files.reapIfGone(replaced.inode);
    return [moved.inode, replaced.inode];
  }

  /** The file that has, or had, the name has bytes like those of the one that takes it: they are sent as a delta to it. */
  #noteMoved(options: RenameOptions): void {
    const { namespace, formerNames } = this.#parts;
    const source = namespace.lookup(options.parent, options.name);
    if (source === undefined || options.flags === 'exchange') return;
    const target = namespace.lookup(options.newParent, options.newName);
    if (target === undefined) {
      formerNames.made(options.newParent, options.newName, source);
      formerNames.removed(options.parent, options.name, source);
    } else if (options.flags === 'replace' && isFile(source.mode) && isFile(target.mode)) {
      formerNames.noteReplaced(source, target);
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
