// Bytes that were fsynced by the journal alone, on their way back into their files: what follows each other in the journal
// without a change of the namespace between is stored together.
import type { NativeContentStore } from '../addon/native.ts';
import { type InodeNumber, nanoseconds } from '../base/units.ts';
import { toNative } from '../extent/native.ts';
import type { Namespace } from '../namespace/types.ts';
import { changeOfPatch } from './content-change.ts';
import type { WrittenEntry } from './journal.ts';
import { inodeOfNode } from './nodes.ts';

export class WrittenReplay {
  readonly #namespace: Namespace;
  readonly #contents: NativeContentStore;
  /** The last entry of each inode. */
  readonly #entries = new Map<InodeNumber, WrittenEntry>();

  constructor(options: { namespace: Namespace; contents: NativeContentStore }) {
    this.#namespace = options.namespace;
    this.#contents = options.contents;
  }

  async add(entry: WrittenEntry): Promise<void> {
    const inode = inodeOfNode(entry.node);
    const record = this.#namespace.inode(inode);
    if (record === undefined) return; // removed, with nobody left to open it
    if (!this.#entries.has(inode)) {
      this.#contents.open(inode, record.size, toNative(this.#namespace.extents(inode)));
    }
    this.#entries.set(inode, entry);
    for (const { offset, bytes } of entry.ranges) await this.#contents.write(inode, offset, bytes);
  }

  async store(): Promise<void> {
    for (const [inode, { size, modified }] of this.#entries) {
      // Behind what was fsynced the file may have been longer already.
      if (this.#contents.state(inode).size < size) await this.#contents.truncate(inode, size);
      await this.#contents.ingest(inode);
      const patch = this.#contents.takePatch(inode);
      if (patch !== undefined) {
        const time = modified === undefined ? undefined : nanoseconds(modified);
        this.#namespace.replayContent(inode, { ...changeOfPatch(patch), modified: time });
      }
      this.#contents.close(inode);
    }
    this.#entries.clear();
  }
}
