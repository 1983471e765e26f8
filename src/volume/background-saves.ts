// Saves that no request waits for: versions of files that stay open, every few seconds; of what an fsync left to the
// journal, before a commit; of what was closed (released-nodes.ts).
import { OPEN_FILE_VERSION_INTERVAL_MS } from '../base/limits.ts';
import { type InodeNumber, inodeNumber } from '../base/units.ts';
import { inodeOfNode } from './nodes.ts';
import type { VolumeParts } from './parts.ts';
import { ReleasedNodes } from './released-nodes.ts';

const EVERY_COMMIT = 2n ** 64n - 1n;

export interface SavedFiles {
  /** How many are open. */
  readonly count: number;
  /** Ingests what is dirty, then makes a version. */
  saveVersion(node: InodeNumber): Promise<void>;
  /** The same where there still is something to save; what nobody uses is dropped. */
  saveClosed(node: InodeNumber): Promise<void>;
}

export class BackgroundSaves {
  readonly #parts: VolumeParts;
  readonly #files: SavedFiles;
  readonly #released = new ReleasedNodes((node) => this.#saveReleased(node));
  #timer: NodeJS.Timeout | undefined;
  /** Never rejects. */
  #versions: Promise<void> = Promise.resolve();

  constructor(parts: VolumeParts, files: SavedFiles) {
    this.#parts = parts;
    this.#files = files;
  }

  noteOpened(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#files.count > 0) this.noteOpened();
      this.#versions = this.#versions.then(() => this.#versionOpenFiles());
    }, OPEN_FILE_VERSION_INTERVAL_MS).unref();
  }

  /** Closed, with bytes to save. */
  noteReleased(node: InodeNumber): void {
    this.#released.add(node);
  }

  get hasReleased(): boolean {
    return !this.#released.isEmpty;
  }

  /** Saves that now. What cannot be stored is reported and stays; never rejects. */
  saveReleased(): Promise<void> {
    return this.#released.saveAll();
  }

  /** Saves every file that is dirty, as many as can be; rejects with the last failure. */
  async saveAll(): Promise<void> {
    let failure: unknown;
    for (const node of this.#parts.contents.dirtyInodes()) {
      try {
        await this.#files.saveVersion(inodeNumber(node));
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Makes versions of what was fsynced by the journal alone; what cannot be stored yet stays in that. */
  async saveJournaled(): Promise<void> {
    for (const node of this.#parts.contents.journaledBefore(EVERY_COMMIT)) {
      try {
        await this.#files.saveVersion(inodeNumber(node));
        this.#parts.committer.flushJournal();
      } catch (error) {
        this.#parts.logger.warn({ inode: inodeOfNode(inodeNumber(node)), error }, 'fsynced bytes stay in the journal');
      }
    }
  }

  /** No more by themselves; resolves when none is under way. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.saveReleased();
    await this.#versions;
  }

  async #saveReleased(node: InodeNumber): Promise<void> {
    try {
      await this.#files.saveClosed(node);
      this.#parts.committer.flushJournal();
    } catch (error) {
      this.#parts.logger.error({ inode: inodeOfNode(node), error }, 'what was synced and closed could not be stored');
    }
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
