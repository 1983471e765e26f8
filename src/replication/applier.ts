// Applies what has come, in order: the batches of all logs that are ready make one durable commit, one commit at a
// time. A head that is not ready is looked at again when what it waits for has happened, and carries the reason.
import { isPacketFsError } from '../base/errors.ts';
import { type ReplicationContext, retryDelayMs } from './context.ts';
import { type LogKey, logKey } from './log-name.ts';
import { type Blocked, OperationQueue, type QueuedBatch } from './operation-queue.ts';
import type { AppliedPosition, LogName, Readiness } from './ports.ts';
import { RangeSet } from './range-set.ts';

export interface ApplierCounters {
  commits: number;
  batchesApplied: number;
  applyFailures: number;
  /** Batches that the volume found malformed. */
  batchesCorrupt: number;
  /** Times that held bytes did not match a batch's check. */
  checkMismatches: number;
}

interface Gathered {
  readonly queue: OperationQueue;
  readonly batch: QueuedBatch;
}

export type Admission = 'queued' | 'duplicate' | 'dropped';

export class Applier {
  readonly #context: ReplicationContext;
  readonly #onApplied: () => void;
  readonly #queues = new Map<LogKey, OperationQueue>();
  readonly counters: ApplierCounters = {
    commits: 0,
    batchesApplied: 0,
    applyFailures: 0,
    batchesCorrupt: 0,
    checkMismatches: 0,
  };
  #applying = false;
  /** After a failure batches go one by one, to find the one that fails. */
  #single = false;
  #bytes = 0;
  /** Failures in a row, per log. */
  readonly #failures = new Map<LogKey, number>();

  constructor(context: ReplicationContext, onApplied: () => void) {
    this.#context = context;
    this.#onApplied = onApplied;
  }

  get isApplying(): boolean {
    return this.#applying;
  }

  get queues(): Iterable<OperationQueue> {
    return this.#queues.values();
  }

  queueOf(log: LogName): OperationQueue {
    const key = logKey(log);
    const known = this.#queues.get(key);
    if (known) return known;
    const created = new OperationQueue(log, key);
    this.#queues.set(key, created);
    return created;
  }

  queueIfAny(key: LogKey): OperationQueue | undefined {
    return this.#queues.get(key);
  }

  /** The last sequence of a log that is here, applied or queued without a gap. */
  reached(log: LogName): bigint {
    const applied = this.#context.local.of(log).applied;
    return this.#queues.get(logKey(log))?.contiguousEnd(applied) ?? applied;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#context.bounds.operationsQueueBytesMax / 2;
  }

  add(log: LogName, batch: QueuedBatch): Admission {
    const { applied } = this.#context.local.of(log);
    if (batch.lastSequence <= applied) return 'duplicate';
    const queue = this.queueOf(log);
    // The next of a log is let in beyond the bound, else a full queue might wait for it for ever.
    const isNext = batch.firstSequence === applied + 1n;
    const bytesMax = this.#context.bounds.operationsQueueBytesMax * (isNext ? 2 : 1);
    if (this.#bytes + batch.bytes.length > bytesMax) {
      queue.dropped = true;
      return 'dropped';
    }
    if (!queue.insert(batch)) return 'duplicate';
    this.#count();
    return 'queued';
  }

  /** A literal was stored: it may be what a head waited for. */
  stored(key: LogKey, range: { readonly set: RangeSet; readonly repaired: boolean }): void {
    for (const queue of this.#queues.values()) {
      const { blocked } = queue;
      if (blocked?.kind !== 'missing' || blocked.key !== key) continue;
      if (!blocked.mismatch || range.repaired) blocked.remaining.removeAll(range.set);
      if (blocked.remaining.isEmpty) queue.blocked = undefined;
    }
    this.drive();
  }

  /** The volume committed: positions and have-sets may have moved in any way. */
  committed(): void {
    for (const queue of this.#queues.values()) {
      queue.dropThrough(this.#context.local.of(queue.log).applied);
      const { blocked } = queue;
      if (blocked?.kind === 'waiting' && this.#context.local.of(blocked.log).applied > blocked.seen)
        queue.blocked = undefined;
      if (blocked?.kind !== 'missing' || blocked.mismatch) continue;
      blocked.remaining.removeAll(this.#context.local.of(blocked.log).held);
      if (blocked.remaining.isEmpty) queue.blocked = undefined;
    }
    this.#count();
    this.drive();
  }

  tick(): void {
    const { timeline, bounds } = this.#context;
    for (const queue of this.#queues.values()) {
      const { blocked } = queue;
      if (blocked?.kind !== 'failed') continue;
      if (timeline.elapsedMs(blocked.since) >= retryDelayMs(bounds, blocked.failures)) queue.blocked = undefined;
    }
    this.drive();
  }

  drive(): void {
    if (this.#applying || this.#context.mode === 'send-only') return;
    const gathered = this.#gather();
    if (gathered.length === 0) return;
    this.#applying = true;
    this.#context.volume.applyBatches(gathered.map((entry) => entry.batch.bytes)).then(
      () => this.#applied(gathered),
      (error: unknown) => this.#failed(gathered, error),
    );
  }

  #applied(gathered: readonly Gathered[]): void {
    this.#applying = false;
    this.#single = false;
    this.counters.commits++;
    this.counters.batchesApplied += gathered.length;
    for (const entry of gathered) this.#failures.delete(entry.queue.key);
    this.#onApplied();
  }

  #failed(gathered: readonly Gathered[], error: unknown): void {
    this.#applying = false;
    this.#context.wake();
    this.counters.applyFailures++;
    // What blocks a queue was found behind batches that are still there.
    for (const entry of gathered) entry.queue.blocked = undefined;
    const [only] = gathered;
    if (gathered.length > 1 || only === undefined) {
      this.#single = true;
      this.drive();
      return;
    }
    this.#pause(only, error);
    this.drive();
  }

  /** The log waits before it is tried again; a malformed batch goes, for another peer may have the right one. */
  #pause({ queue, batch }: Gathered, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#context.logger.warn({ log: queue.key, sequence: batch.firstSequence, error }, 'batch cannot be applied');
    if (isPacketFsError(error, 'PFS_CORRUPT')) {
      this.counters.batchesCorrupt++;
      queue.discard(batch);
      this.#count();
    }
    const failures = (this.#failures.get(queue.key) ?? 0) + 1;
    this.#failures.set(queue.key, failures);
    queue.blocked = { kind: 'failed', failures, reason, since: this.#context.timeline.stamp() };
  }

  // ---- what is ready ---------------------------------------------------------------------------------------------------

  /** Consecutive ready batches of all logs, in an order that respects what they wait for. */
  #gather(): Gathered[] {
    const { bounds } = this.#context;
    const gathered: Gathered[] = [];
    const ahead = new Map<LogKey, AppliedPosition>();
    let bytes = 0;
    let progress = true;
    while (progress) {
      progress = false;
      for (const queue of this.#queues.values()) {
        for (let batch = this.#next(queue, ahead); batch; batch = this.#next(queue, ahead)) {
          if (gathered.length > 0 && (this.#single || gathered.length >= bounds.applyBatchesMax)) return gathered;
          if (gathered.length > 0 && bytes + batch.bytes.length > bounds.applyBytesMax) return gathered;
          gathered.push({ queue, batch });
          bytes += batch.bytes.length;
          ahead.set(queue.key, { log: queue.log, sequence: batch.lastSequence });
          progress = true;
        }
      }
    }
    return gathered;
  }

  /** The next batch of a queue after what is ahead of it, if it is ready. */
  #next(queue: OperationQueue, ahead: ReadonlyMap<LogKey, AppliedPosition>): QueuedBatch | undefined {
    if (queue.blocked && !isReached(queue.blocked, ahead)) return undefined;
    const position = ahead.get(queue.key)?.sequence ?? this.#context.local.of(queue.log).applied;
    for (;;) {
      const batch = queue.batches.find((entry) => entry.lastSequence > position);
      if (!batch || batch.firstSequence > position + 1n) return undefined;
      const readiness = this.#readiness(queue, batch, ahead);
      if (readiness === undefined) return undefined;
      queue.blocked = this.#blockedBy(readiness);
      if (readiness.kind !== 'applied') return readiness.kind === 'ready' ? batch : undefined;
      queue.discard(batch);
    }
  }

  /** Undefined when the volume refuses the batch (malformed, a clock too far ahead): its log pauses. */
  #readiness(
    queue: OperationQueue,
    batch: QueuedBatch,
    ahead: ReadonlyMap<LogKey, AppliedPosition>,
  ): Readiness | undefined {
    try {
      return this.#context.volume.readiness(batch.bytes, [...ahead.values()]);
    } catch (error) {
      if (!isPacketFsError(error)) throw error;
      this.#pause({ queue, batch }, error);
      return undefined;
    }
  }

  #blockedBy(readiness: Readiness): Blocked | undefined {
    if (readiness.kind === 'ready' || readiness.kind === 'applied') return undefined;
    const since = this.#context.timeline.stamp();
    const key = logKey(readiness.log);
    if (readiness.kind === 'waiting') {
      const seen = this.#context.local.of(readiness.log).applied;
      return { kind: 'waiting', key, log: readiness.log, sequence: readiness.sequence, seen, since };
    }
    const asked = RangeSet.of(readiness.ranges);
    const remaining = asked.without(this.#context.local.of(readiness.log).held);
    const mismatch = remaining.isEmpty;
    if (mismatch) this.counters.checkMismatches++;
    return { kind: 'missing', key, log: readiness.log, remaining: mismatch ? asked : remaining, mismatch, since };
  }

  #count(): void {
    this.#bytes = 0;
    for (const queue of this.#queues.values()) this.#bytes += queue.bytes;
  }
}

/** What a head waits for comes before it in the same commit. */
function isReached(blocked: Blocked, ahead: ReadonlyMap<LogKey, AppliedPosition>): boolean {
  if (blocked.kind !== 'waiting') return false;
  const position = ahead.get(blocked.key);
  return position !== undefined && position.sequence >= blocked.sequence;
}
