// Writes commits: what is dirty becomes one synced Level batch, chained to the commit before it. Changes go on while one
// is written; after a write that failed none follows until the namespace is opened again.
import { PacketFsError } from '../base/errors.ts';
import { COMMITS_KEPT, type Commit, chainHash, encodeCommit } from './commits.ts';
import { KIND, logKey, numberKey } from './keys.ts';
import type { LogTable } from './logs.ts';
import type { Store } from './store.ts';
import type { FrozenCommit, HighWaterMark, NamespaceOptions } from './types.ts';

export interface CommitWriterParts {
  readonly options: NamespaceOptions;
  readonly store: Store;
  readonly logs: LogTable;
  /** The last commit that was read. */
  readonly commit: Commit;
  /** Throws when nothing may be written any more. */
  readonly usable: () => void;
}

export class CommitWriter {
  readonly #parts: CommitWriterParts;
  #last: Commit;
  #isWriting = false;
  #failure: unknown;

  constructor(parts: CommitWriterParts) {
    this.#parts = parts;
    this.#last = parts.commit;
  }

  get last(): Commit {
    return this.#last;
  }

  /** From a freeze until it is written. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Why a write failed, undefined while none has. */
  get failure(): unknown {
    return this.#failure;
  }

  /** `before`: the durable sequence of each log before what is pending got its operations. */
  freeze(given: {
    readonly before: readonly bigint[];
    readonly counts: Pick<Commit, 'clock' | 'inodes'>;
  }): Omit<FrozenCommit, 'ownSequence'> {
    const { store, logs: table } = this.#parts;
    const logs = table.all();
    for (const log of logs) {
      if (!log.dirty) continue;
      store.change({ type: 'put', key: logKey(log.number), value: table.encode(log) });
      log.dirty = false;
    }
    const sequences = logs.map((log) => ({ log, sequence: log.sequence }));
    const changes = store.freeze();
    const number = this.#last.number + 1n;
    this.#isWriting = true;
    const hasOperations = sequences.some(({ sequence }, index) => sequence > (given.before[index] ?? 0n));
    const write = async (marks: readonly HighWaterMark[]): Promise<void> => {
      this.#parts.usable();
      const previousHash = this.#last.chainHash;
      const chain = chainHash(this.#parts.options.hash, { previous: previousHash, changes, marks });
      const commit: Commit = { number, chainHash: chain, previousHash, marks, ...given.counts };
      changes.push(encodeCommit(commit));
      if (number > COMMITS_KEPT) changes.push({ type: 'del', key: numberKey(KIND.commit, number - COMMITS_KEPT) });
      await this.write(changes);
      for (const { log, sequence } of sequences) log.durableSequence = sequence;
      this.#last = commit;
      store.release();
      this.#isWriting = false;
    };
    return { number, hasOperations, write };
  }

  async write(changes: Parameters<Store['write']>[0]): Promise<void> {
    try {
      await this.#parts.store.write(changes);
    } catch (cause) {
      this.#failure = cause;
      throw new PacketFsError('PFS_IO', 'The namespace cannot be written', { cause });
    }
  }
}
