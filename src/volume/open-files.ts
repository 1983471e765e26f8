// Files that the mount has open: loading their extents into the content store, and making content versions of what was
// written (at close, at fsync, before a rename over; by themselves: background-saves.ts). One reference of the content store per file,
// however many handles; it is dropped when the last handle is gone and everything written has been taken.
import type { ContentPatch, ContentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import type { InodeNumber } from '../base/units.ts';
import { toNative } from '../extent/native.ts';
import type { InodeRecord } from '../namespace/types.ts';
import { BackgroundSaves } from './background-saves.ts';
import { changeOfPatch } from './content-change.ts';
import { KernelInodes } from './kernel-inodes.ts';
import { isDirectory, isFile } from './modes.ts';
import { translateNativeError } from './native-errors.ts';
import { inodeOfNode, Nodes } from './nodes.ts';
import { newlyOpened, type OpenFile } from './open-file.ts';
import type { VolumeParts } from './parts.ts';

export class OpenFiles {
  readonly #parts: VolumeParts;
  readonly #nodes = new Nodes();
  /** By node; the content store has them under the same numbers. */
  readonly #files = new Map<InodeNumber, OpenFile>();
  readonly #kernel = new KernelInodes();
  /** Made without a name: unlike what lost its last one, they may still get one, and keep what is written until then. */
  readonly #nameless = new Set<InodeNumber>();
  readonly saves: BackgroundSaves;

  constructor(parts: VolumeParts) {
    this.#parts = parts;
    this.saves = new BackgroundSaves(parts, this);
  }

  get count(): number {
    return this.#files.size;
  }

  /** Inodes that the kernel holds references to, and the memory for knowing it. */
  get kernelInodes(): { readonly inodes: number; readonly bytes: number } {
    return { inodes: this.#kernel.count, bytes: this.#kernel.byteLength };
  }

  /** What the kernel is to know the inode as. */
  nodeOf(inode: InodeNumber): InodeNumber {
    return this.#nodes.of(inode);
  }

  /** Every node of the inode that the kernel may have something cached of. */
  nodesOf(inode: InodeNumber): readonly InodeNumber[] {
    return this.#nodes.all(inode);
  }

  /** Size and times as written, ahead of the namespace; undefined when not open. */
  stateOf(node: InodeNumber): ContentState | undefined {
    const file = this.#files.get(node);
    if (file === undefined) return undefined;
    const state = this.#parts.contents.state(node);
    return file.modified === undefined ? state : { ...state, modified: state.modified ?? file.modified };
  }

  isOpenForWriting(node: InodeNumber): boolean {
    return (this.#files.get(node)?.writers ?? 0) > 0;
  }

  /** What an open node of before a remote change was then; undefined for a current one. */
  pinnedRecord(node: InodeNumber): InodeRecord | undefined {
    return this.#nodes.isCurrent(node) ? undefined : this.#files.get(node)?.record;
  }

  /** PFS_STALE for a node of before a remote change: the kernel then looks the name up again. */
  open(
    node: InodeNumber,
    options: { readonly write: boolean; readonly truncate: boolean },
  ): { keepCache: boolean } | Promise<{ keepCache: boolean }> {
    this.#assertCurrent(node);
    const inode = inodeOfNode(node);
    const record = this.#fileRecord(inode);
    if (options.write || options.truncate) this.#parts.latch.assertWritable();
    const file = this.#load(record);
    file.handles += 1;
    if (options.write) file.writers += 1;
    if (options.write || options.truncate) file.mayBeDirty = true;
    this.saves.noteOpened();
    const keepCache = this.#kernel.isVersion(inode, record.contentVersion);
    this.#kernel.setVersion(inode, record.contentVersion);
    if (!options.truncate) return { keepCache };
    return this.#truncateOpened(node, file, options);
  }

  /** A session has made the file and opened its content; it has a handle. */
  adopt(record: InodeRecord, { write }: { readonly write: boolean }): void {
    const { inode } = record;
    assert(!this.#files.has(inode), 'a file that was just made is not open otherwise');
    this.#files.set(inode, { ...newlyOpened(), handles: 1, writers: write ? 1 : 0, mayBeDirty: write });
    this.#resemble(inode);
    this.saves.noteOpened();
    this.#kernel.setVersion(inode, record.contentVersion);
  }

  async #truncateOpened(
    node: InodeNumber,
    file: OpenFile,
    { write }: { readonly write: boolean },
  ): Promise<{ keepCache: boolean }> {
    try {
      await this.#truncateContent(node, 0n);
    } catch (error) {
      file.handles -= 1; // the caller gets an error and no handle
      if (write) file.writers -= 1;
      this.#dropIfUnused(node, file);
      throw error;
    }
    return { keepCache: false };
  }

  /** Makes a content version of what the content store has ingested. */
  takeVersion(node: InodeNumber): void {
    const file = this.#files.get(node);
    if (file === undefined) return;
    const { contents, namespace, latch } = this.#parts;
    if (latch.reason !== undefined) {
      if (contents.isDirty(node)) latch.assertDurable();
      return;
    }
    const patch = this.#takePatch(node);
    if (patch === undefined) return;
    if (patch.modified !== undefined) file.overridesWhenWritten = patch.overrides;
    assert(this.#nodes.isCurrent(node), 'only what is current was written');
    const inode = inodeOfNode(node);
    if (!this.#isReachable(inode)) {
      file.modified = patch.modified ?? file.modified; // its content goes with its last handle
      return;
    }
    const changed = namespace.setContent(inode, changeOfPatch(patch));
    this.#parts.formerNames.versionMade(changed);
    file.modified = undefined;
    if (this.#kernel.hasVersion(inode)) this.#kernel.setVersion(inode, changed.contentVersion);
  }

  /** The time of modification is set to another one. */
  forgetModified(node: InodeNumber): void {
    const file = this.#files.get(node);
    if (file === undefined) return;
    this.takeVersion(node);
    file.modified = undefined;
    this.#parts.contents.forgetModified(node);
  }

  /**
   * The session has set an explicit time. False where a version, or the time of a file without a name, tells already of
   * what was written after that; else the explicit time is the last.
   */
  noteExplicitTime(node: InodeNumber, override: number): boolean {
    const file = this.#files.get(node);
    if (file === undefined) return true;
    if (file.overridesWhenWritten >= override) return false;
    file.modified = undefined;
    return true;
  }

  #takePatch(node: InodeNumber): ContentPatch | undefined {
    try {
      return this.#parts.contents.takePatch(node);
    } catch (error) {
      throw translateNativeError(error, 'written bytes cannot be stored');
    }
  }

  /** Ingests what is dirty, then makes a version. */
  async saveVersion(node: InodeNumber): Promise<void> {
    const file = this.#files.get(node);
    if (file === undefined) return;
    file.users += 1;
    try {
      await this.#parts.contents.ingest(node);
      this.takeVersion(node);
    } catch (error) {
      throw translateNativeError(error, 'written bytes cannot be stored');
    } finally {
      file.users -= 1;
      this.#dropIfUnused(node, file);
    }
  }

  /** Saves what has no handle left, if there still is something to save. */
  async saveClosed(node: InodeNumber): Promise<void> {
    const file = this.#files.get(node);
    if (file === undefined) return; // removed, or saved meanwhile
    if (this.#mustSave(node)) await this.saveVersion(node);
    else this.#dropIfUnused(node, file);
  }

  /** Sets the size of a file, open or not, as a version of its own. */
  async truncate(node: InodeNumber, size: bigint): Promise<void> {
    this.#assertCurrent(node);
    const file = this.#load(this.#fileRecord(inodeOfNode(node)));
    file.users += 1;
    file.mayBeDirty = true;
    try {
      await this.#truncateContent(node, size);
    } finally {
      file.users -= 1;
      this.#dropIfUnused(node, file);
    }
  }

  async #truncateContent(node: InodeNumber, size: bigint): Promise<void> {
    try {
      await this.#parts.contents.truncate(node, size);
      // What was written before belongs to the version, or a crash would show the truncation without it.
      await this.#parts.contents.ingest(node);
    } catch (error) {
      throw translateNativeError(error, 'the file cannot be truncated');
    }
    this.takeVersion(node);
  }

  release(node: InodeNumber, { write }: { readonly write: boolean }): void {
    const file = this.#files.get(node);
    assert(file !== undefined && file.handles > 0, 'a release follows an open');
    file.handles -= 1;
    if (write) file.writers -= 1;
    assert(file.writers >= 0 && file.writers <= file.handles, 'a release is of what was opened');
    if (file.handles > 0) return;
    if (file.mayBeDirty) this.#takeVersionOrReport(node);
    if (!this.#mustSave(node)) {
      this.#dropIfUnused(node, file);
      return;
    }
    // In the journal alone, or what the disk had no room for; the file is dropped when that is saved.
    this.saves.noteReleased(node);
  }

  /** The kernel was answered with this inode. */
  noteLookup(inode: InodeNumber): void {
    this.#kernel.addReference(inode);
  }

  noteNameless(inode: InodeNumber): void {
    this.#nameless.add(inode);
  }

  isHeld(inode: InodeNumber): boolean {
    return this.#kernel.isReferenced(inode);
  }

  forget(inode: InodeNumber, lookups: number): void {
    if (!this.#kernel.dropReferences(inode, lookups)) return;
    this.#forgetNodes(inode);
    this.reapIfGone(inode);
  }

  /** An inode without names, handles and kernel references goes. */
  reapIfGone(inode: InodeNumber): void {
    const node = this.#nodes.of(inode);
    const file = this.#files.get(node);
    if (file !== undefined) this.#dropIfUnused(node, file);
    if (this.#isInUse(inode) || this.#parts.latch.reason !== undefined) return;
    this.#nameless.delete(inode);
    if (this.#parts.namespace.inode(inode)?.links === 0) this.#parts.namespace.reap(inode);
  }

  /**
   * A remote change gave the inode new content; it was as `before` has it. `node`: it has a new node, what is open stays
   * with the old content, and the kernel must look its names up again. `grown`: readers go on, there is more behind what
   * they had. `mixed`: it is open for writing or has unsaved bytes, which stay on top; every handle has the new content.
   */
  replaceContent(before: InodeRecord): 'unknown' | 'node' | 'grown' | 'mixed' {
    const { inode } = before;
    const { contents, namespace } = this.#parts;
    const record = namespace.inode(inode);
    const node = this.#nodes.of(inode);
    const file = this.#files.get(node);
    if (record === undefined || !(file !== undefined || this.#kernel.isReferenced(inode))) return 'unknown';
    if (file !== undefined) {
      const extents = toNative(namespace.extents(inode));
      if (file.writers > 0 || file.users > 0 || contents.isDirty(node)) {
        contents.replace(node, record.size, extents);
        return 'mixed';
      }
      if (contents.grow(node, record.size, extents)) return 'grown';
      file.record = before;
    }
    this.#nodes.advance(inode, { isOpen: file !== undefined });
    return 'node';
  }

  /** Saves what is dirty and drops every file, handles or not. */
  async close(): Promise<void> {
    await this.saves.end();
    if (this.#parts.latch.reason === undefined) await this.saves.saveAll();
    for (const node of this.#files.keys()) if (!this.#mustSave(node)) this.#drop(node);
  }

  #assertCurrent(node: InodeNumber): void {
    if (this.#nodes.isCurrent(node)) return;
    throw new PacketFsError('PFS_STALE', 'a peer has changed the file: its name leads to another node now');
  }

  /** There are written bytes that somebody can still come to see. */
  #mustSave(node: InodeNumber): boolean {
    const { contents, latch } = this.#parts;
    if (this.#files.get(node)?.mayBeDirty !== true) return false;
    return latch.reason === undefined && contents.isDirty(node) && this.#isReachable(inodeOfNode(node));
  }

  /** By a name, or by one that it may still get. */
  #isReachable(inode: InodeNumber): boolean {
    const record = this.#parts.namespace.inode(inode);
    return record !== undefined && (record.links > 0 || this.#nameless.has(inode));
  }

  /** Who followed its name just before it went has still to open it, and no version tells what was written last. */
  #mayOpenAgain(node: InodeNumber): boolean {
    const inode = inodeOfNode(node);
    return this.#nodes.isCurrent(node) && !this.#isReachable(inode) && this.#kernel.isReferenced(inode);
  }

  #isInUse(inode: InodeNumber): boolean {
    return this.#kernel.isReferenced(inode) || this.#files.has(this.#nodes.of(inode)) || this.#nodes.hasPinned(inode);
  }

  #forgetNodes(inode: InodeNumber): void {
    if (!this.#isInUse(inode)) this.#nodes.forget(inode);
  }

  #fileRecord(inode: InodeNumber): InodeRecord {
    const record = this.#parts.namespace.inode(inode);
    if (record === undefined) throw new PacketFsError('PFS_STALE', 'the inode does not exist any more');
    if (isDirectory(record.mode)) throw new PacketFsError('PFS_IS_DIRECTORY', 'a directory has no content');
    if (!isFile(record.mode)) throw new PacketFsError('PFS_INVALID', 'only files have content');
    return record;
  }

  #load(record: InodeRecord): OpenFile {
    const node = this.#nodes.of(record.inode);
    const known = this.#files.get(node);
    if (known !== undefined) return known;
    const { contents, namespace } = this.#parts;
    contents.open(node, record.size, toNative(namespace.extents(record.inode)));
    this.#resemble(node);
    const file = newlyOpened();
    this.#files.set(node, file);
    return file;
  }

  /** Of a name that was removed and made again. */
  #resemble(node: InodeNumber): void {
    const { contents, formerNames } = this.#parts;
    const like = formerNames.awaitedLike(inodeOfNode(node));
    if (like !== undefined) contents.resemble(node, like);
  }

  #dropIfUnused(node: InodeNumber, file: OpenFile): void {
    if (file.handles > 0 || file.users > 0 || this.#files.get(node) !== file) return;
    if (this.#mustSave(node)) return; // a full disk: the next commit tries again
    if (this.#mayOpenAgain(node)) return;
    this.#drop(node);
  }

  #drop(node: InodeNumber): void {
    const inode = inodeOfNode(node);
    this.#files.delete(node);
    this.#parts.contents.close(node);
    this.#nodes.unpin(node);
    this.#forgetNodes(inode);
    this.reapIfGone(inode);
  }

  #takeVersionOrReport(node: InodeNumber): void {
    try {
      this.takeVersion(node);
    } catch (error) {
      this.#parts.logger.error({ inode: inodeOfNode(node), error }, 'written bytes could not be kept at release');
    }
  }
}
