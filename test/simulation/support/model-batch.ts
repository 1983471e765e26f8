// The batches of the model volume: real OperationBatch messages, each operation an update of some runs.
import { PacketFsError } from '../../../src/base/errors.ts';
import { checkGroups } from '../../../src/extent/runs.ts';
import { logKey } from '../../../src/replication/log-name.ts';
import type { AppliedPosition, LogName, StoredBatch } from '../../../src/replication/ports.ts';
import {
  decodeBatch,
  encodeBatch,
  indexOfSource,
  type Operation,
  SOURCE_OWN,
  sourceOfIndex,
} from '../../../src/wire/operations.ts';
import type { ModelLog } from './model-log.ts';

export interface Run {
  readonly log: LogName;
  readonly start: number;
  readonly end: number;
}

export interface DecodedBatch {
  readonly log: LogName;
  readonly first: bigint;
  readonly last: bigint;
  readonly dependencies: readonly AppliedPosition[];
  readonly runs: readonly Run[];
}

export function encodeModelBatch(
  log: Pick<ModelLog, 'log' | 'applied'>,
  pending: {
    readonly runs: readonly Run[];
    readonly operations: number;
    /** Other logs of which operations were applied. */
    readonly seen: readonly Pick<ModelLog, 'log' | 'applied'>[];
  },
): StoredBatch {
  const names: LogName[] = [log.log];
  const sourceOf = (name: LogName): number => {
    const index = names.findIndex((known) => logKey(known) === logKey(name));
    return sourceOfIndex(index >= 0 ? index : names.push(name) - 1);
  };
  const dependencies = pending.seen.map((entry) => ({ source: sourceOf(entry.log), sequence: entry.applied }));
  const operations = Array.from({ length: pending.operations }, (_, operation): Operation => {
    const runs = pending.runs
      .filter((_run, index) => index % pending.operations === operation)
      .map((run) => ({ source: sourceOf(run.log), position: run.start, length: BigInt(run.end - run.start) }));
    const size = runs.reduce((sum, run) => sum + run.length, 0n);
    const content = { size, runs, checks: checkGroups(runs).map(() => 0n) };
    return { kind: 'update', inode: { source: 0, counter: 1 }, attributes: { extended: [] }, content };
  });
  const first = log.applied + 1n;
  const bytes = encodeBatch({ logs: names, firstSequence: first, clock: 1n, dependencies, operations });
  return { log: log.log, firstSequence: first, lastSequence: first + BigInt(operations.length) - 1n, bytes };
}

export function decodeModelBatch(bytes: Uint8Array): DecodedBatch {
  const result = decodeBatch(bytes);
  if (!result.ok) throw new PacketFsError('PFS_CORRUPT', result.reason);
  const { logs, firstSequence, dependencies, operations } = result.batch;
  const nameOf = (source: number): LogName => {
    const name = logs[indexOfSource(source)];
    if (!name) throw new PacketFsError('PFS_CORRUPT', 'a batch refers to a log it does not name');
    return name;
  };
  const contents = operations.map((operation) => (operation.kind === 'update' ? operation.content : undefined));
  return {
    log: nameOf(SOURCE_OWN),
    first: firstSequence,
    last: firstSequence + BigInt(operations.length) - 1n,
    dependencies: dependencies.map(({ source, sequence }) => ({ log: nameOf(source), sequence })),
    runs: contents
      .flatMap((content) => content?.runs ?? [])
      .map((run) => ({ log: nameOf(run.source), start: run.position, end: run.position + Number(run.length) })),
  };
}
