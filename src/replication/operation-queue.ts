// Batches received of one log, in sequence, until they can be applied. Pure: knows nothing of links or the volume.
import type { LogKey } from './log-name.ts';
import type { LogName } from './ports.ts';
import type { RangeSet } from './range-set.ts';
import type { Stamp } from './timeline.ts';

export interface QueuedBatch {
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  readonly bytes: Uint8Array;
}

/** Why the head of a queue does not apply. */
export type Blocked =
  | {
      readonly kind: 'waiting';
      readonly key: LogKey;
      readonly log: LogName;
      readonly sequence: bigint;
      /** Where that log stood: it is looked at again when it has moved. */
      readonly seen: bigint;
      readonly since: Stamp;
    }
  | {
      readonly kind: 'missing';
      readonly key: LogKey;
      readonly log: LogName;
      readonly remaining: RangeSet;
      /** The bytes are held but their check differs: they must be sent again. */
      readonly mismatch: boolean;
      readonly since: Stamp;
    }
  | { readonly kind: 'failed'; readonly failures: number; readonly reason: string; readonly since: Stamp };

export class OperationQueue {
  readonly log: LogName;
  readonly key: LogKey;
  blocked: Blocked | undefined;
  /** Something was dropped at the bound: ask again when there is room. */
  dropped = false;
  #batches: QueuedBatch[] = [];
  #bytes = 0;
  /** The answer of contiguousEnd until the batches change: it is asked for at every turn, of long backlogs too. */
  #reached: { readonly applied: bigint; readonly end: bigint } | undefined;

  constructor(log: LogName, key: LogKey) {
    this.log = log;
    this.key = key;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#batches.length;
  }

  get batches(): readonly QueuedBatch[] {
    return this.#batches;
  }

  /** True when it is new. */
  insert(batch: QueuedBatch): boolean {
    const index = this.#batches.findLastIndex((known) => known.firstSequence <= batch.firstSequence);
    const before = this.#batches[index];
    if (before && before.lastSequence >= batch.firstSequence) return false;
    this.#batches.splice(index + 1, 0, batch);
    this.#reached = undefined;
    this.#bytes += batch.bytes.length;
    return true;
  }

  /** The last sequence that is applied or queued without a gap. */
  contiguousEnd(applied: bigint): bigint {
    if (this.#reached?.applied === applied) return this.#reached.end;
    let end = applied;
    for (const batch of this.#batches) {
      if (batch.firstSequence > end + 1n) break;
      if (batch.lastSequence > end) end = batch.lastSequence;
    }
    this.#reached = { applied, end };
    return end;
  }

  /** Applied, by this or another way: they go. */
  dropThrough(applied: bigint): void {
    const kept = this.#batches.filter((batch) => batch.lastSequence > applied);
    if (kept.length === this.#batches.length) return;
    this.#batches = kept;
    this.#reached = undefined;
    this.#bytes = kept.reduce((sum, batch) => sum + batch.bytes.length, 0);
    this.blocked = undefined;
  }

  /** One that turned out to be malformed. */
  discard(batch: QueuedBatch): void {
    this.#batches = this.#batches.filter((known) => known !== batch);
    this.#reached = undefined;
    this.#bytes = this.#batches.reduce((sum, known) => sum + known.bytes.length, 0);
  }
}
