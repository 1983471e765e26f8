// One log on its way to one peer: the bytes that the peer lacks, in log order, and the batches, each released when no
// byte that it refers to is still to be handed over. Own logs have a job as long as the link lives; a log of another
// node has one from the peer's AskOperations until it has caught up.
import { needsOfBatch } from '../wire/batch-outline.ts';
import type { ReplicationBounds } from './context.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogName, StoredBatch, VolumePort } from './ports.ts';
import { RangeSet } from './range-set.ts';

interface PendingBatch {
  readonly batch: StoredBatch;
  needs: ReadonlyMap<LogKey, RangeSet> | undefined;
}

export interface PushJobOptions {
  readonly log: LogName;
  readonly from: bigint;
  /** The AskOperations that made it; undefined: an own log. */
  readonly ask: number | undefined;
}

export class PushJob {
  readonly log: LogName;
  readonly key: LogKey;
  ask: number | undefined;
  /** Bytes that the peer lacks and that are not in flight. */
  lacking = new RangeSet();
  /** Last sequence to send. */
  limit = 0n;
  /** Why no operation can be sent; undefined: they can. */
  halted: string | undefined;
  #next: bigint;
  #pending: PendingBatch[] = [];
  /** Sent and not yet applied there. */
  #sent: { readonly last: bigint; readonly bytes: number }[] = [];
  #sentBytes = 0;

  constructor(options: PushJobOptions) {
    this.log = options.log;
    this.key = logKey(options.log);
    this.ask = options.ask;
    this.#next = options.from;
  }

  /** The next sequence to send. */
  get next(): bigint {
    return this.#next;
  }

  get unappliedBytes(): number {
    return this.#sentBytes;
  }

  get isDone(): boolean {
    return this.#next > this.limit && this.lacking.isEmpty;
  }

  restartAt(sequence: bigint): void {
    this.#next = sequence;
    this.halted = undefined;
    this.#pending = [];
    this.#sent = this.#sent.filter((entry) => entry.last < sequence);
    this.#sentBytes = this.#sent.reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /** The peer has applied up to here, from whomever it came. */
  appliedThere(sequence: bigint): void {
    while (this.#sent[0] !== undefined && this.#sent[0].last <= sequence) {
      this.#sentBytes -= this.#sent[0].bytes;
      this.#sent.shift();
    }
    if (sequence < this.#next) return;
    this.#next = sequence + 1n;
    this.#pending = this.#pending.filter((entry) => entry.batch.lastSequence > sequence);
  }

  /** Batches that may go now, in order, about one group's worth; [] when none may. */
  takeReleasable(volume: VolumePort, bounds: ReplicationBounds, jobs: ReadonlyMap<LogKey, PushJob>): StoredBatch[] {
    if (this.halted !== undefined || this.#sentBytes >= bounds.operationsInFlightBytesMax) return [];
    if (this.#pending.length === 0 && this.#next <= this.limit) this.#read(volume, bounds);
    const lacks = [...jobs.values()].some((job) => !job.lacking.isEmpty);
    const taken: StoredBatch[] = [];
    for (const entry of this.#pending) {
      if (entry.batch.firstSequence > this.limit || (lacks && isHeldBack(entry, jobs))) break;
      taken.push(entry.batch);
    }
    this.#pending.splice(0, taken.length);
    return taken;
  }

  #read(volume: VolumePort, bounds: ReplicationBounds): void {
    const batches = volume.readBatches(this.log, this.#next, bounds.operationsGroupBytesMax);
    const head = batches[0];
    const isTruncated = head === undefined || head.firstSequence > this.#next;
    if (isTruncated) this.halted = `the log does not reach back to operation ${this.#next} here`;
    else this.#pending = batches.map((batch) => ({ batch, needs: undefined }));
  }

  handedOver(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      this.#sent.push({ last: batch.lastSequence, bytes: batch.bytes.length });
      this.#sentBytes += batch.bytes.length;
      this.#next = batch.lastSequence + 1n;
    }
  }
}

function isHeldBack(entry: PendingBatch, jobs: ReadonlyMap<LogKey, PushJob>): boolean {
  entry.needs ??= needsByLog(entry.batch);
  for (const [key, needs] of entry.needs) {
    const job = jobs.get(key);
    if (job?.lacking.intersectsAny(needs)) return true;
  }
  return false;
}

/** What this node stored it can decode; a batch that it cannot is left to the peer to judge. */
function needsByLog(batch: StoredBatch): ReadonlyMap<LogKey, RangeSet> {
  const needs = needsOfBatch(batch.bytes);
  return new Map(needs.ok ? needs.value.map((need) => [logKey(need.log), RangeSet.of(need.ranges)]) : []);
}
