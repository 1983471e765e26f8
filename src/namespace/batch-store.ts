// Operation batches as they were made, by log and first sequence number. An index of sequence numbers in memory finds
// them; only those in a durable commit are given to peers.

import { type LogNumber, logNumber } from '../base/units.ts';
import type { Change } from './change.ts';
import { batchKey, KIND } from './keys.ts';
import type { Store } from './store.ts';
import type { StoredBatch } from './types.ts';

export class BatchStore {
  readonly #store: Store;
  /** First sequence numbers of each log's batches, ascending. */
  readonly #firsts = new Map<LogNumber, bigint[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  load(key: Buffer): void {
    this.#index(logNumber(key.readUInt16BE(1))).push(key.readBigUInt64BE(3));
  }

  add(log: LogNumber, firstSequence: bigint, bytes: Uint8Array): void {
    this.#index(log).push(firstSequence);
    const change: Change = { type: 'put', key: batchKey(log, firstSequence), value: bytes };
    this.#store.change(change);
  }

  /** Batches whose last sequence is >= from and that end at or before `durable`. */
  from(options: { log: LogNumber; from: bigint; durable: bigint; bytesMax: number }): StoredBatch[] {
    const { log, durable, bytesMax } = options;
    const firsts = this.#index(log);
    const batches: StoredBatch[] = [];
    let total = 0;
    for (let index = this.#find(firsts, options.from); index < firsts.length; index++) {
      const firstSequence = firsts[index] ?? 0n;
      if (firstSequence > durable) break;
      const next = firsts[index + 1];
      const lastSequence = next === undefined || next - 1n > durable ? durable : next - 1n;
      if (lastSequence < options.from) continue;
      const bytes = this.#store.read(batchKey(log, firstSequence));
      if (bytes === undefined) break;
      total += bytes.length;
      if (batches.length > 0 && total > bytesMax) break;
      batches.push({ firstSequence, lastSequence, bytes });
    }
    return batches;
  }

  /** Index of the last batch that starts at or before `sequence`. */
  #find(firsts: readonly bigint[], sequence: bigint): number {
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((firsts[middle] ?? 0n) <= sequence) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #index(log: LogNumber): bigint[] {
    let firsts = this.#firsts.get(log);
    if (firsts === undefined) {
      firsts = [];
      this.#firsts.set(log, firsts);
    }
    return firsts;
  }
}

export const BATCH_KIND = KIND.batch;
