// Numbers own operations and packs them into batches of bounded size. Global identities (log, counter) and runs replace
// local ones here; the first batch of a seal says what its log had seen of the others.
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX } from '../base/limits.ts';
import { addressLog, addressPosition, type HybridTime, type InodeNumber, type LogNumber } from '../base/units.ts';
import { type Extent, isHole } from '../extent/extent.ts';
import { toNativeRuns } from '../extent/native.ts';
import { RUNS_PER_CHECK, type Run, SOURCE_HOLE } from '../extent/runs.ts';
import {
  type BatchDependency,
  BatchEncoder,
  type GlobalInode,
  type Operation,
  type OperationContent,
  SOURCE_NONE,
  SOURCE_OWN,
  sourceOfIndex,
} from '../wire/operations.ts';
import type { LogState, LogTable } from './logs.ts';
import type { Stamp } from './state.ts';

export interface MadeBatch {
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  readonly bytes: Uint8Array;
}

const COUNTER_BITS = 48n;
const COUNTER_MASK = (1n << COUNTER_BITS) - 1n;
const PAIR = 2;

export class BatchMaker {
  readonly #own: LogState;
  readonly #table: LogTable;
  readonly #clock: HybridTime;
  readonly #checkOfRuns: (runs: BigUint64Array) => bigint | undefined;
  readonly #batches: MadeBatch[] = [];
  #encoder = new BatchEncoder();
  #logs: LogState[];

  constructor(options: {
    own: LogState;
    logs: LogTable;
    clock: HybridTime;
    checkOfRuns: (runs: BigUint64Array) => bigint | undefined;
  }) {
    this.#own = options.own;
    this.#table = options.logs;
    this.#clock = options.clock;
    this.#checkOfRuns = options.checkOfRuns;
    this.#logs = [options.own];
  }

  /** `make` gets no state but this maker, for ids and contents; returns the stamp of the operation. */
  add(make: () => Operation): Stamp {
    const full = this.#encoder.operationCount >= BATCH_OPERATIONS_MAX || this.#encoder.byteLength >= BATCH_BYTES_MAX;
    if (full) this.#close();
    this.#encoder.add(make());
    const sequence = this.#own.sequence + BigInt(this.#encoder.operationCount);
    return { clock: this.#clock, log: this.#own.number, sequence };
  }

  finish(): readonly MadeBatch[] {
    if (this.#encoder.operationCount > 0) this.#close();
    return this.#batches;
  }

  id(inode: InodeNumber): GlobalInode {
    const log = Number(inode >> COUNTER_BITS) as LogNumber;
    return { source: log === 0 ? SOURCE_NONE : this.#source(log), counter: Number(inode & COUNTER_MASK) };
  }

  content(size: bigint, extents: readonly Extent[]): OperationContent {
    const runs = extents.map((extent): Run => {
      if (isHole(extent)) return { source: SOURCE_HOLE, position: 0, length: extent.length };
      const source = this.#source(addressLog(extent.address));
      return { source, position: addressPosition(extent.address), length: extent.length };
    });
    return { size, runs, checks: this.#checks(toNativeRuns(extents)) };
  }

  #checks(pairs: BigUint64Array): bigint[] {
    const checks: bigint[] = [];
    for (let start = 0; start < pairs.length; start += RUNS_PER_CHECK * PAIR) {
      const check = this.#checkOfRuns(pairs.slice(start, start + RUNS_PER_CHECK * PAIR));
      if (check === undefined) throw new PacketFsError('PFS_IO', 'A file refers to bytes that this node does not hold');
      checks.push(check);
    }
    return checks;
  }

  #source(log: LogNumber): number {
    if (log === this.#own.number) return SOURCE_OWN;
    const index = this.#logs.findIndex((known) => known.number === log);
    if (index >= 0) return sourceOfIndex(index);
    return sourceOfIndex(this.#logs.push(this.#table.require(log)) - 1);
  }

  #close(): void {
    const count = this.#encoder.operationCount;
    assert(count > 0, 'a batch holds operations');
    const dependencies = this.#dependencies();
    const firstSequence = this.#own.sequence + 1n;
    const bytes = this.#encoder.finish({ logs: this.#logs, firstSequence, clock: this.#clock, dependencies });
    this.#own.sequence += BigInt(count);
    this.#own.dirty = true;
    this.#batches.push({ firstSequence, lastSequence: this.#own.sequence, bytes });
    this.#encoder = new BatchEncoder();
    this.#logs = [this.#own];
  }

  #dependencies(): BatchDependency[] {
    const dependencies: BatchDependency[] = [];
    for (const log of this.#table.all()) {
      if (log === this.#own || log.sequence <= (this.#own.seen.get(log.number) ?? 0n)) continue;
      this.#own.seen.set(log.number, log.sequence);
      dependencies.push({ source: this.#source(log.number), sequence: log.sequence });
    }
    return dependencies;
  }
}
