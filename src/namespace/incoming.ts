// Batches that peers have made: decoded once, looked at (what do they still need?), and put into the tree.
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { CLOCK_AHEAD_MAX_MS } from '../base/limits.ts';
import type { LogNumber } from '../base/units.ts';
import { decodeBatch, type OperationBatch } from '../wire/operations.ts';
import { Applier } from './apply.ts';
import type { BatchStore } from './batch-store.ts';
import { newChangeSet, staleParts } from './change-set.ts';
import type { ConflictTable } from './conflicts.ts';
import type { HybridClock } from './hybrid-clock.ts';
import type { LogTable } from './logs.ts';
import type { MoveLog } from './moves.ts';
import { type Ahead, orderReadiness, readinessOf } from './readiness.ts';
import type { Tree } from './tree.ts';
import type { AppliedBatch, BatchReadiness, NamespaceOptions } from './types.ts';

export interface IncomingParts {
  readonly options: NamespaceOptions;
  readonly tree: Tree;
  readonly logs: LogTable;
  readonly moves: MoveLog;
  readonly conflicts: ConflictTable;
  readonly batches: BatchStore;
  readonly clock: HybridClock;
  /** Makes operations of what is pending here: it has not seen the batch that comes. */
  readonly seal: () => void;
}

export class IncomingBatches {
  readonly #parts: IncomingParts;
  readonly #decoded = new WeakMap<Uint8Array, OperationBatch>();

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  readiness(bytes: Uint8Array, holds: (address: bigint, length: bigint) => boolean, ahead: Ahead = []): BatchReadiness {
    const { clock, logs, options } = this.#parts;
    const batch = this.decode(bytes);
    const aheadMs = clock.aheadMs(batch.clock);
    if (aheadMs > CLOCK_AHEAD_MAX_MS) {
      throw new PacketFsError('PFS_REFUSED', "A peer's clock is too far ahead: set the clocks", {
        facts: { aheadMs },
      });
    }
    return readinessOf(batch, { logs, holds, checkOfRuns: options.checkOfRuns, ahead });
  }

  /** Undefined when it was applied before. */
  apply(batch: OperationBatch, bytes: Uint8Array): AppliedBatch | undefined {
    const { tree, logs, moves, conflicts, batches, clock, seal } = this.#parts;
    const order = orderReadiness(batch, logs);
    if (order?.kind === 'applied') return undefined;
    assert(order === undefined, 'a batch is applied when what it depends on is');
    seal();
    const locals = batch.logs.map((name) => logs.add(name, { own: false }).number);
    const log = logs.require(locals[0] ?? (0 as LogNumber));
    const parts = { tree, moves, conflicts, clock };
    const applier = new Applier(parts, { batch, log, locals });
    applier.check();
    clock.observe(batch.clock);
    for (const { source, sequence } of batch.dependencies) {
      const other = locals[source - 1];
      if (other !== undefined && (log.seen.get(other) ?? 0n) < sequence) log.seen.set(other, sequence);
    }
    const changes = newChangeSet();
    tree.changes = changes;
    try {
      applier.run();
    } finally {
      tree.changes = undefined;
    }
    log.sequence = batch.firstSequence + BigInt(batch.operations.length) - 1n;
    log.dirty = true;
    batches.add(log.number, batch.firstSequence, bytes);
    return { log: log.number, lastSequence: log.sequence, ...staleParts(changes) };
  }

  decode(bytes: Uint8Array): OperationBatch {
    const known = this.#decoded.get(bytes);
    if (known !== undefined) return known;
    const result = decodeBatch(bytes);
    if (!result.ok)
      throw new PacketFsError('PFS_CORRUPT', 'A batch is malformed', { facts: { reason: result.reason } });
    this.#decoded.set(bytes, result.batch);
    return result.batch;
  }
}
