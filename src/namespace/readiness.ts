// What a peer's batch still needs: operations that come first, bytes that are not here or differ from what its node
// meant (the check of a group of runs).
import { PacketFsError } from '../base/errors.ts';
import { addressOf, type LogNumber, type LogPosition, logNumber, logPosition } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';
import { checkGroups, type Run, SOURCE_HOLE } from '../extent/runs.ts';
import { indexOfSource, type OperationBatch } from '../wire/operations.ts';
import type { LogTable } from './logs.ts';
import type { BatchReadiness, LogName } from './types.ts';

export interface ReadinessOptions {
  readonly logs: LogTable;
  readonly holds: (address: bigint, length: bigint) => boolean;
  readonly checkOfRuns: (runs: BigUint64Array) => bigint | undefined;
  readonly ahead: Ahead;
}

/** Positions that will have been reached before the batch is applied. */
export type Ahead = readonly { readonly log: LogName; readonly sequence: bigint }[];

type Missing = Map<number, { start: LogPosition; end: LogPosition }[]>;

export function readinessOf(batch: OperationBatch, options: ReadinessOptions): BatchReadiness {
  const order = orderReadiness(batch, options.logs, options.ahead);
  return order ?? bytesReadiness(batch, options);
}

/** Undefined when the batch is the next of its log and all that it depends on is applied. */
export function orderReadiness(batch: OperationBatch, logs: LogTable, ahead: Ahead = []): BatchReadiness | undefined {
  const name = batch.logs[0];
  if (name === undefined) throw new PacketFsError('PFS_CORRUPT', 'A batch names no log');
  const applied = reached(name, logs, ahead);
  const lastSequence = batch.firstSequence + BigInt(batch.operations.length) - 1n;
  if (lastSequence <= applied) return { kind: 'applied' };
  if (batch.firstSequence <= applied) throw new PacketFsError('PFS_CORRUPT', 'A batch overlaps one that was applied');
  if (batch.firstSequence > applied + 1n) return { kind: 'waiting', log: name, sequence: batch.firstSequence - 1n };
  for (const { source, sequence } of batch.dependencies) {
    const log = batch.logs[indexOfSource(source)];
    if (log !== undefined && reached(log, logs, ahead) < sequence) return { kind: 'waiting', log, sequence };
  }
  return undefined;
}

function reached(name: LogName, logs: LogTable, ahead: Ahead): bigint {
  let sequence = logs.find(name)?.sequence ?? 0n;
  for (const position of ahead) {
    const same = position.log.epoch === name.epoch && Buffer.compare(position.log.node, name.node) === 0;
    if (same && position.sequence > sequence) sequence = position.sequence;
  }
  return sequence;
}

/** Every stored byte that a batch refers to; in log 0, which has none, where the batch names a log without a number. */
export function extentsOfBatch(batch: OperationBatch, logs: LogTable): Extent[] {
  const numbers = batch.logs.map((log) => logs.find(log)?.number ?? logNumber(0));
  const extents: Extent[] = [];
  for (const operation of batch.operations) {
    if (operation.kind !== 'create' && operation.kind !== 'update') continue;
    let offset = 0n;
    for (const { source, position, length } of operation.content?.runs ?? []) {
      const number = source === SOURCE_HOLE ? undefined : (numbers[indexOfSource(source)] ?? logNumber(0));
      if (number !== undefined) extents.push({ offset, length, address: addressOf(number, logPosition(position)) });
      offset += length;
    }
  }
  return extents;
}

function bytesReadiness(batch: OperationBatch, options: ReadinessOptions): BatchReadiness {
  const numbers = batch.logs.map((log) => options.logs.find(log)?.number);
  const missing: Missing = new Map();
  for (const operation of batch.operations) {
    if (operation.kind !== 'create' && operation.kind !== 'update') continue;
    if (operation.content === undefined) continue;
    const { checks, runs } = operation.content;
    checkGroups(runs).forEach((group, index) => {
      for (const run of missingRuns(group, { check: checks[index], numbers, options })) addRun(missing, run);
    });
  }
  const first = missing.entries().next().value;
  if (first === undefined) return { kind: 'ready' };
  const [source, ranges] = first;
  const log: LogName | undefined = batch.logs[indexOfSource(source)];
  if (log === undefined) throw new PacketFsError('PFS_CORRUPT', 'A run names no log');
  return { kind: 'missing', log, ranges: coalesceRanges(ranges) };
}

function missingRuns(
  group: readonly Run[],
  expected: { check: bigint | undefined; numbers: readonly (LogNumber | undefined)[]; options: ReadinessOptions },
): readonly Run[] {
  const { holds, checkOfRuns } = expected.options;
  const pairs = new BigUint64Array(group.length * 2);
  const absent = group.filter((run, index) => {
    const number = expected.numbers[indexOfSource(run.source)];
    if (number === undefined) return true;
    const address = addressOf(number, logPosition(run.position));
    pairs[index * 2] = address;
    pairs[index * 2 + 1] = run.length;
    return !holds(address, run.length);
  });
  if (absent.length > 0) return absent;
  // Held, but other bytes: all of the group is asked for again.
  return checkOfRuns(pairs) === expected.check ? [] : group;
}

function addRun(missing: Missing, run: Run): void {
  if (run.source === SOURCE_HOLE) return;
  const ranges = missing.get(run.source) ?? [];
  const end = logPosition(run.position + Number(run.length));
  ranges.push({ start: logPosition(run.position), end });
  missing.set(run.source, ranges);
}

function coalesceRanges(
  ranges: { start: LogPosition; end: LogPosition }[],
): { start: LogPosition; end: LogPosition }[] {
  const sorted = ranges.toSorted((left, right) => left.start - right.start);
  const result: { start: LogPosition; end: LogPosition }[] = [];
  for (const range of sorted) {
    const last = result[result.length - 1];
    if (last !== undefined && range.start <= last.end) {
      if (range.end > last.end) last.end = range.end;
    } else result.push({ ...range });
  }
  return result;
}
