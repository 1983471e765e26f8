// Commits (DESIGN §3, Commit order): freeze the namespace, sync the blob, write the frozen batch to Level with sync,
// retire the journal. One at a time; who asks while one runs joins the next. Nothing that a frozen batch refers to was
// ingested after the blob's sync began, because extents enter the namespace only when their bytes are in the blob. What
// was fsynced by the journal alone (docs/design/0060) is saved first; what comes between goes to the next journal, which
// is synced before the one before it may go.
import { setTimeout as delay } from 'node:timers/promises';
import type { HighWaterMark, NativeBlob, NativeContentStore } from '../addon/native.ts';
import type { Clock, Logger } from '../base/clock.ts';
import { isPacketFsError, PacketFsError } from '../base/errors.ts';
import { COMMIT_DELAY_MAX_MS, COMMIT_FREE_BYTES_MIN } from '../base/limits.ts';
import type { LogStore } from '../blob/log-store.ts';
import { MarkTable } from '../blob/marks.ts';
import type { FrozenCommit, Namespace } from '../namespace/types.ts';
import { CommitPacer } from './commit-pacer.ts';
import type { Journal } from './journal.ts';
import type { ReadOnlyLatch } from './latch.ts';
import type { Posts } from './posts.ts';
import { freeBytesOf } from './statistics.ts';

export interface CommitterOptions {
  readonly stateDirectory: string;
  readonly namespace: Namespace;
  readonly blob: NativeBlob;
  readonly logs: LogStore;
  readonly contents: NativeContentStore;
  readonly journal: Journal;
  readonly latch: ReadOnlyLatch;
  readonly posts: Posts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a commit needs of the open files. */
export interface JournaledFiles {
  /** Makes versions of what was fsynced, as far as it can be stored. */
  saveJournaled(): Promise<void>;
}

/** How often, a second apart, a full disk is asked to take what was fsynced while a commit began. */
const CARRY_TRIES_MAX = 30;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #listeners = new Set<() => void>();
  readonly #marks: MarkTable;
  readonly #pacer: CommitPacer;
  /** Settles when the commit under way has ended, however it ended. */
  #tail: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #files: JournaledFiles | undefined;
  #commits = 0;
  #closed = false;
  #waitsForSpace = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#marks = new MarkTable(options.namespace.commit.marks);
    this.#pacer = new CommitPacer({
      clock: options.clock,
      commit: () => this.#commitUnattended(),
      appendedBytes: () => options.blob.appendedBytes(),
      pendingInodes: () => options.namespace.statistics().pendingInodes,
    });
  }

  get commits(): number {
    return this.#commits;
  }

  /**
   * The disk is too full for a commit: one is tried every second (in a burst, every five), and whoever asks for one gets
   * PFS_NO_SPACE.
   */
  get waitsForSpace(): boolean {
    return this.#waitsForSpace;
  }

  /** Until then nothing is open. */
  useFiles(files: JournaledFiles): void {
    this.#files = files;
  }

  /**
   * Writes what the namespace has to say to the journal, and sees to it that a commit follows. On a full disk nothing
   * is changed any more until what was changed already is in the journal or in a commit.
   */
  flushJournal(): void {
    const { namespace, journal, latch } = this.#options;
    const records = namespace.takeJournal();
    if (records.length === 0) return;
    this.#pacer.noteChanges(records.length);
    try {
      journal.append(records);
    } catch (error) {
      if (isPacketFsError(error, 'PFS_NO_SPACE')) latch.refuseForSpace();
      throw error;
    } finally {
      this.noteChange();
    }
  }

  /** The journal has got a change in another way. */
  noteJournaled(): void {
    this.#pacer.noteChanges(1);
    this.noteChange();
  }

  /** Something waits for a commit: one comes by itself. */
  noteChange(): void {
    if (this.#closed || this.#options.latch.reason !== undefined || this.#queued !== undefined) return;
    this.#pacer.request();
  }

  /** Resolves when everything done before the call is durable; rejects with PFS_IO when it never will be. */
  commit(): Promise<void> {
    if (this.#queued !== undefined) return this.#queued;
    const run = this.#tail.then(() => {
      this.#queued = undefined;
      return this.#run();
    });
    this.#queued = run;
    this.#tail = run.catch(() => undefined); // each waiter gets the rejection itself
    return run;
  }

  onCommitted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** No commit begins by itself any more; waits for the one under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pacer.stop();
    await this.#tail;
  }

  #commitUnattended(): void {
    this.commit().catch(() => undefined); // the latch, or the log of a full disk, has told the operator
  }

  async #run(): Promise<void> {
    const { logs, journal, latch } = this.#options;
    latch.assertDurable();
    this.#pacer.noteStart();
    await this.#files?.saveJournaled();
    const { frozen, hasWritten } = this.#freeze();
    if (frozen !== undefined && hasWritten) {
      await this.#orLatch('fsynced bytes cannot be kept', () => this.#carryOver(frozen.number));
    }
    const pending = logs.beforeSync();
    const synced = await this.#syncBlob();
    this.#marks.add(synced);
    if (frozen !== undefined) {
      if (hasWritten) await this.#orLatch('the journal cannot be synced', () => journal.sync());
      await this.#orLatch('the namespace cannot be written', () => frozen.write(this.#marks.all()));
      journal.retire();
    }
    logs.noteDurable(pending, synced);
    latch.admitAgain();
    this.#commits += 1;
    for (const listener of this.#listeners) listener();
    if (hasWritten) this.noteChange(); // what was carried over is in no commit yet
  }

  /** All that is in the journal until now is in what is frozen, but for what was fsynced. */
  #freeze(): { readonly frozen: FrozenCommit | undefined; readonly hasWritten: boolean } {
    const { namespace, journal, posts } = this.#options;
    const resume = posts.suspend();
    try {
      this.#journalRest();
      this.#expectSpace();
      const frozen = namespace.freeze();
      return { frozen, hasWritten: frozen !== undefined && journal.rotate(frozen.number) };
    } finally {
      resume();
    }
  }

  /** Where nothing was appended, an fsync is spared the way through the thread pool. */
  #syncBlob(): Promise<HighWaterMark[]> {
    const { blob } = this.#options;
    return blob.isSynced() ? Promise.resolve([]) : this.#orLatch('the blob cannot be synced', () => blob.sync());
  }

  /** What was fsynced after the files were saved is in the journal that goes with this commit, but not in the commit. */
  async #carryOver(number: bigint): Promise<void> {
    const { contents, journal, namespace, logger } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        for (const node of contents.journaledBefore(number)) await contents.journalAgain(node);
        journal.append(namespace.takeJournal()); // of versions that were made instead
        return;
      } catch (error) {
        if (tries === CARRY_TRIES_MAX) throw error;
        if (tries === 1) logger.warn({ error }, 'the journal cannot take what was fsynced; this is tried again');
        await delay(COMMIT_DELAY_MAX_MS);
        this.#journalRest();
      }
    }
  }

  /**
   * Level may not meet a full disk: what it has written in part hides what it writes after that. So nothing is frozen
   * while there is too little space, and all of it waits in memory and in the journal.
   */
  #expectSpace(): void {
    const { namespace, stateDirectory, logger } = this.#options;
    const isFull = namespace.pending && freeBytesOf(stateDirectory) < COMMIT_FREE_BYTES_MIN;
    if (isFull !== this.#waitsForSpace) {
      this.#waitsForSpace = isFull;
      if (isFull) logger.warn({ bytesNeeded: COMMIT_FREE_BYTES_MIN }, 'the disk is full: changes wait to be committed');
      else logger.info({}, 'there is space again: changes are committed');
    }
    if (!isFull) return;
    this.noteChange();
    throw new PacketFsError('PFS_NO_SPACE', 'the disk of the state directory is full; free space there');
  }

  /** Changes whose requests are not answered yet are in this commit, so their records belong before it. */
  #journalRest(): void {
    try {
      this.#options.journal.append(this.#options.namespace.takeJournal());
      this.#options.latch.admitAgain();
    } catch (error) {
      // This commit makes them durable itself, and they wait for it: nothing is lost unless it fails too.
      this.#options.logger.warn({ error }, 'the journal cannot be written; the commit under way holds its records');
    }
  }

  async #orLatch<Value>(what: string, action: () => Promise<Value>): Promise<Value> {
    try {
      return await action();
    } catch (cause) {
      this.#options.latch.close(what, cause);
      throw new PacketFsError('PFS_IO', `${what}; the volume is read-only until it is opened again: see its disk`, {
        cause,
      });
    }
  }
}
