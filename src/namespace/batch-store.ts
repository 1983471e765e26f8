// Operation batches as they were made, by log and first sequence number. Nothing of them is in memory: a batch is found
// by the number that it begins with, and the next one begins where it ends. Only those in a durable commit are given to
// peers.
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { BATCH_OPERATIONS_MAX } from '../base/limits.ts';
import type { LogNumber } from '../base/units.ts';
import { outlineOfBatch } from '../wire/batch-outline.ts';
import { batchKey } from './keys.ts';
import type { Store } from './store.ts';
import type { StoredBatch } from './types.ts';

export class BatchStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  add(log: LogNumber, firstSequence: bigint, bytes: Uint8Array): void {
    this.#store.change({ type: 'put', key: batchKey(log, firstSequence), value: bytes });
  }

  /** Batches whose last sequence is >= from and that end at or before `durable`. */
  from(options: { log: LogNumber; from: bigint; durable: bigint; bytesMax: number }): StoredBatch[] {
    const { log, durable, bytesMax } = options;
    const batches: StoredBatch[] = [];
    let total = 0;
    let next = this.#containing(log, options.from);
    while (next !== undefined && next.lastSequence <= durable) {
      total += next.bytes.length;
      if (batches.length > 0 && total > bytesMax) break;
      batches.push(next);
      next = this.#read(log, next.lastSequence + 1n);
    }
    return batches;
  }

  /**
   * Peers have applied whole batches, so `sequence` is nearly always where one begins; else one of those before it is:
   * a batch is not longer than BATCH_OPERATIONS_MAX.
   */
  #containing(log: LogNumber, sequence: bigint): StoredBatch | undefined {
    const start = sequence > 1n ? sequence : 1n;
    const farthest = start - BigInt(BATCH_OPERATIONS_MAX);
    for (let first = start; first > farthest && first > 0n; first -= 1n) {
      const batch = this.#read(log, first);
      if (batch !== undefined) return batch.lastSequence >= start ? batch : undefined;
    }
    return undefined;
  }

  #read(log: LogNumber, firstSequence: bigint): StoredBatch | undefined {
    const bytes = this.#store.read(batchKey(log, firstSequence));
    if (bytes === undefined) return undefined;
    const outline = outlineOfBatch(bytes);
    if (!outline.ok) {
      throw new PacketFsError('PFS_CORRUPT', `A stored batch is damaged: ${outline.reason}`, {
        facts: { log, firstSequence },
      });
    }
    assert(outline.value.firstSequence === firstSequence, 'a batch is stored under the number that it begins with');
    return { firstSequence, lastSequence: outline.value.lastSequence, bytes };
  }
}
