// Files that the mount has open: loading their extents into the content store, and making content versions of what was
// written (at close, at fsync, before a rename over, every few seconds). One reference of the content store per file,
// however many handles; it is dropped when the last handle is gone and everything written has been taken.
import type { ContentPatch, ContentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { OPEN_FILE_VERSION_INTERVAL_MS } from '../base/limits.ts';
import { type InodeNumber, inodeNumber, nanoseconds } from '../base/units.ts';
import { fromNative, toNative } from '../extent/native.ts';
import type { ContentChange, InodeRecord } from '../namespace/types.ts';
import { KernelInodes } from './kernel-inodes.ts';
import { isDirectory, isFile } from './modes.ts';
import { translateNativeError } from './native-errors.ts';
import type { VolumeParts } from './parts.ts';

interface OpenFile {
  handles: number;
  /** Work that needs the content although no handle may be left. */
  users: number;
}

export class OpenFiles {
  readonly #parts: VolumeParts;
  readonly #files = new Map<InodeNumber, OpenFile>();
  readonly #kernel = new KernelInodes();
  /** Made without a name: unlike what lost its last one, they may still get one, and keep what is written until then. */
  readonly #nameless = new Set<InodeNumber>();
  #timer: NodeJS.Timeout | undefined;
  /** Saving that nobody waits for: never rejects. */
  #background: Promise<void> = Promise.resolve();

  constructor(parts: VolumeParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#files.size;
  }

  /** Inodes that the kernel holds references to, and the memory for knowing it. */
  get kernelInodes(): { readonly inodes: number; readonly bytes: number } {
    return { inodes: this.#kernel.count, bytes: this.#kernel.byteLength };
  }

  isOpen(inode: InodeNumber): boolean {
    return this.#files.has(inode);
  }

  /** Size and times as written, ahead of the namespace; undefined when not open. */
  stateOf(inode: InodeNumber): ContentState | undefined {
    return this.#files.has(inode) ? this.#parts.contents.state(inode) : undefined;
  }

  open(
    inode: InodeNumber,
    options: { readonly write: boolean; readonly truncate: boolean },
  ): { keepCache: boolean } | Promise<{ keepCache: boolean }> {
    const record = this.#fileRecord(inode);
    if (options.write || options.truncate) this.#parts.latch.assertWritable();
    const file = this.#load(record);
    file.handles += 1;
    this.#armTimer();
    const keepCache = this.#kernel.isVersion(inode, record.contentVersion);
    this.#kernel.setVersion(inode, record.contentVersion);
    if (!options.truncate) return { keepCache };
    return this.#truncateOpened(inode, file);
  }

  async #truncateOpened(inode: InodeNumber, file: OpenFile): Promise<{ keepCache: boolean }> {
    try {
      await this.#truncateContent(inode, 0n);
    } catch (error) {
      file.handles -= 1; // the caller gets an error and no handle
      this.#dropIfUnused(inode, file);
      throw error;
    }
    return { keepCache: false };
  }

  /** Makes a content version of what the content store has ingested. */
  takeVersion(inode: InodeNumber): void {
    if (!this.#files.has(inode)) return;
    const { contents, namespace, latch } = this.#parts;
    if (latch.reason !== undefined) {
      if (contents.state(inode).dirty) latch.assertDurable();
      return;
    }
    const patch = contents.takePatch(inode);
    if (patch === undefined) return;
    const record = namespace.inode(inode);
    if (record === undefined) return;
    if (record.links === 0 && !this.#nameless.has(inode)) return; // unlinked: its content goes with its last handle
    const changed = namespace.setContent(inode, changeOfPatch(patch));
    if (this.#kernel.hasVersion(inode)) this.#kernel.setVersion(inode, changed.contentVersion);
  }

  /** Ingests what is dirty, then makes a version. */
  async saveVersion(inode: InodeNumber): Promise<void> {
    const file = this.#files.get(inode);
    if (file === undefined) return;
    file.users += 1;
    try {
      await this.#parts.contents.ingest(inode);
      this.takeVersion(inode);
    } catch (error) {
      throw translateNativeError(error, 'written bytes cannot be stored');
    } finally {
      file.users -= 1;
      this.#dropIfUnused(inode, file);
    }
  }

  /** Saves every file that is dirty, as many as can be; rejects with the last failure. */
  async saveAll(): Promise<void> {
    let failure: unknown;
    for (const inode of this.#parts.contents.dirtyInodes()) {
      try {
        await this.saveVersion(inodeNumber(inode));
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Sets the size of a file, open or not, as a version of its own. */
  async truncate(inode: InodeNumber, size: bigint): Promise<void> {
    const file = this.#load(this.#fileRecord(inode));
    file.users += 1;
    try {
      await this.#truncateContent(inode, size);
    } finally {
      file.users -= 1;
      this.#dropIfUnused(inode, file);
    }
  }

  async #truncateContent(inode: InodeNumber, size: bigint): Promise<void> {
    try {
      await this.#parts.contents.truncate(inode, size);
    } catch (error) {
      throw translateNativeError(error, 'the file cannot be truncated');
    }
    this.takeVersion(inode);
  }

  release(inode: InodeNumber): void {
    const file = this.#files.get(inode);
    assert(file !== undefined && file.handles > 0, 'a release follows an open');
    file.handles -= 1;
    if (file.handles > 0) return;
    this.#takeVersionOrReport(inode);
    if (!this.#parts.contents.state(inode).dirty || this.#parts.latch.reason !== undefined) {
      this.#dropIfUnused(inode, file);
      return;
    }
    // Written through a mapping after the last close(2); the file is dropped when that is saved.
    this.#background = this.#background.then(() => this.#saveReleased(inode));
  }

  /** The kernel was answered with this inode. */
  noteLookup(inode: InodeNumber): void {
    this.#kernel.addReference(inode);
  }

  noteNameless(inode: InodeNumber): void {
    this.#nameless.add(inode);
  }

  forget(inode: InodeNumber, lookups: number): void {
    if (this.#kernel.dropReferences(inode, lookups)) this.reapIfGone(inode);
  }

  /** An inode without names, handles and kernel references goes. */
  reapIfGone(inode: InodeNumber): void {
    if (this.#files.has(inode) || this.#kernel.isReferenced(inode) || this.#parts.latch.reason !== undefined) return;
    this.#nameless.delete(inode);
    if (this.#parts.namespace.inode(inode)?.links === 0) this.#parts.namespace.reap(inode);
  }

  /** A remote change gave the inode new content: open handles see it, unsaved local writes stay on top. */
  replaceContent(inode: InodeNumber): void {
    const record = this.#parts.namespace.inode(inode);
    if (record === undefined || !this.#files.has(inode)) return;
    this.#parts.contents.replace(inode, record.size, toNative(this.#parts.namespace.extents(inode)));
  }

  /** Saves what is dirty and drops every file, handles or not. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#background;
    if (this.#parts.latch.reason === undefined) await this.saveAll();
    for (const [inode, file] of this.#files) {
      file.handles = 0;
      this.#dropIfUnused(inode, file);
    }
  }

  #fileRecord(inode: InodeNumber): InodeRecord {
    const record = this.#parts.namespace.inode(inode);
    if (record === undefined) throw new PacketFsError('PFS_STALE', 'the inode does not exist any more');
    if (isDirectory(record.mode)) throw new PacketFsError('PFS_IS_DIRECTORY', 'a directory has no content');
    if (!isFile(record.mode)) throw new PacketFsError('PFS_INVALID', 'only files have content');
    return record;
  }

  #load(record: InodeRecord): OpenFile {
    const known = this.#files.get(record.inode);
    if (known !== undefined) return known;
    const { contents, namespace } = this.#parts;
    contents.open(record.inode, record.size, toNative(namespace.extents(record.inode)));
    const file: OpenFile = { handles: 0, users: 0 };
    this.#files.set(record.inode, file);
    return file;
  }

  #dropIfUnused(inode: InodeNumber, file: OpenFile): void {
    if (file.handles > 0 || file.users > 0 || this.#files.get(inode) !== file) return;
    this.#files.delete(inode);
    this.#parts.contents.close(inode);
    this.reapIfGone(inode);
  }

  #takeVersionOrReport(inode: InodeNumber): void {
    try {
      this.takeVersion(inode);
    } catch (error) {
      this.#parts.logger.error({ inode, error }, 'written bytes could not be kept at release');
    }
  }

  async #saveReleased(inode: InodeNumber): Promise<void> {
    try {
      await this.saveVersion(inode);
      this.#parts.committer.flushJournal();
    } catch (error) {
      this.#parts.logger.error({ inode, error }, 'bytes written after close could not be stored');
    }
  }

  #armTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#files.size > 0) this.#armTimer();
      this.#background = this.#background.then(() => this.#versionOpenFiles());
    }, OPEN_FILE_VERSION_INTERVAL_MS);
    this.#timer.unref();
  }

  async #versionOpenFiles(): Promise<void> {
    if (this.#parts.latch.reason !== undefined) return;
    try {
      await this.saveAll();
      this.#parts.committer.flushJournal();
    } catch (error) {
      this.#parts.logger.warn({ error }, 'a version of the open files could not be made; the next one tries again');
    }
  }
}

function changeOfPatch(patch: ContentPatch): ContentChange {
  const replaced: { offset: bigint; length: bigint }[] = [];
  for (let index = 0; index + 1 < patch.replaced.length; index += 2) {
    replaced.push({ offset: patch.replaced[index] ?? 0n, length: patch.replaced[index + 1] ?? 0n });
  }
  return {
    size: patch.size,
    modified: patch.modified === undefined ? undefined : nanoseconds(patch.modified),
    replaced,
    extents: fromNative(patch.extents),
  };
}
