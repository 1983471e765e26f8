// What was replicated against what is there: each log's batches follow one another up to the last operation applied, and
// whatever inode they made exists. Moves of directories and contents that lost a conflict refer to what is there.
import { inodeNumber, type LogNumber } from '../../base/units.ts';
import { isHole } from '../../extent/extent.ts';
import { packetfs } from '../../wire/generated/packetfs.js';
import { unsignedOf } from '../../wire/long.ts';
import { decodeBatch, indexOfSource, type OperationBatch } from '../../wire/operations.ts';
import { localInode } from '../apply.ts';
import { KIND } from '../keys.ts';
import { extentsOf, linkOf, stampOf } from '../records.ts';
import { problemOfAddress } from './contents.ts';
import { type CheckContext, inodeText } from './context.ts';
import type { InodeTable } from './inode-table.ts';
import type { RawRecord } from './source.ts';

const FILE_TYPE = 8;

export interface OperationsSeen {
  readonly operations: number;
  readonly conflicts: number;
  readonly moves: number;
}

export async function checkOperations(context: CheckContext, table: InodeTable): Promise<OperationsSeen> {
  const walk = new BatchWalk(context, table);
  await context.each(KIND.batch, (record) => walk.take(record));
  walk.finish();
  let conflicts = 0;
  await context.each(KIND.conflict, (record) => {
    conflicts += 1;
    checkConflict(context, table, record);
  });
  let moves = 0;
  await context.each(KIND.move, (record) => {
    moves += 1;
    checkMove(context, table, record);
  });
  return { operations: walk.operations, conflicts, moves };
}

class BatchWalk {
  readonly #context: CheckContext;
  readonly #table: InodeTable;
  /** Log -> the last sequence of its batches so far. */
  readonly #reached = new Map<number, bigint>();
  readonly #numbers: ReadonlyMap<string, number>;
  operations = 0;

  constructor(context: CheckContext, table: InodeTable) {
    this.#context = context;
    this.#table = table;
    this.#numbers = new Map([...context.logs.values()].map((log) => [nameOf(log), log.number]));
  }

  take([key, value]: RawRecord): void {
    const log = key.readUInt16BE(1);
    const first = key.readBigUInt64BE(3);
    const decoded = decodeBatch(value);
    const report = (code: 'operation-batch' | 'operation-gap', detail: string): void =>
      this.#context.report({ code, key, detail: `log ${log}, operation ${first}: ${detail}` });
    if (!decoded.ok) {
      report('operation-batch', decoded.reason);
      return;
    }
    const { batch } = decoded;
    const locals = batch.logs.map((name) => this.#numbers.get(nameOf(name)) ?? 0);
    if (locals[0] !== log || batch.firstSequence !== first) report('operation-batch', 'it is kept in another place');
    const before = this.#reached.get(log) ?? 0n;
    if (first !== before + 1n) report('operation-gap', `the operations before end at ${before}`);
    this.#reached.set(log, first + BigInt(batch.operations.length) - 1n);
    this.operations += batch.operations.length;
    this.#checkReferences(batch, locals, report);
  }

  #checkReferences(
    batch: OperationBatch,
    locals: readonly number[],
    report: (code: 'operation-batch', detail: string) => void,
  ): void {
    for (const { source, sequence } of batch.dependencies) {
      const log = locals[indexOfSource(source)] ?? 0;
      if (log === 0 || !this.#context.isKnown({ log, sequence })) {
        report('operation-batch', `it depends on operation ${sequence} of log ${log}, which is not here`);
      }
    }
    for (const operation of batch.operations) {
      if (operation.kind !== 'create') continue;
      const inode = localInode(operation.inode, locals as readonly LogNumber[]);
      if (this.#table.find(inode) >= 0) continue;
      const name = Buffer.from(operation.name).toString('latin1');
      const parent = localInode(operation.parent, locals as readonly LogNumber[]);
      const detail = `an operation made ${inodeText(inode)} under this name, and it does not exist`;
      this.#context.report({ code: 'operation-inode', inode: parent, name, other: inode, detail });
    }
  }

  finish(): void {
    for (const { number, sequence } of this.#context.logs.values()) {
      const reached = this.#reached.get(number) ?? 0n;
      if (reached === sequence) continue;
      const detail = `log ${number} is applied up to operation ${sequence}, its batches end at ${reached}`;
      this.#context.report({ code: 'operation-gap', detail });
    }
  }
}

const nameOf = (log: { readonly node: Uint8Array; readonly epoch: number }): string =>
  `${Buffer.from(log.node).toString('hex')}-${log.epoch}`;

function checkConflict(context: CheckContext, table: InodeTable, [key, value]: RawRecord): void {
  const inode = key.readBigUInt64BE(1);
  const report = (detail: string): void => context.report({ code: 'conflict-version', inode, key, detail });
  const wire = packetfs.ConflictValue.decode(value);
  const size = unsignedOf(wire.size);
  const position = table.find(inode);
  if (position < 0 || table.type(position) !== FILE_TYPE) report('a content is kept for what is no file');
  const stamp = { log: key.readUInt16BE(17), sequence: key.readBigUInt64BE(19) };
  if (!context.isKnown(stamp)) report('it was written by an operation that is not here');
  let end = 0n;
  for (const extent of extentsOf(wire.extents)) {
    if (extent.offset < end || extent.offset + extent.length > size) report('its extents are not in order');
    end = extent.offset + extent.length;
    const problem = isHole(extent) ? undefined : problemOfAddress(context, extent);
    if (problem === undefined) continue;
    const { address, length } = extent;
    const detail = `the content that lost against operation ${stamp.sequence}: ${problem.detail}`;
    context.report({ code: problem.code, inode, detail, range: { address, length } });
  }
}

function checkMove(context: CheckContext, table: InodeTable, [key, value]: RawRecord): void {
  const wire = packetfs.MoveRecord.decode(value);
  const inode = inodeNumber(unsignedOf(wire.inode));
  const report = (detail: string): void => context.report({ code: 'move-record', inode, key, detail });
  const stamp = stampOf(wire.stamp ?? {});
  const matches = key.readBigUInt64BE(1) === stamp.clock && key.readBigUInt64BE(11) === stamp.sequence;
  if (!matches || key.readUInt16BE(9) !== stamp.log) report('a move is kept in another place');
  if (!context.isKnown(stamp)) report('a move was made by an operation that is not here');
  if (!table.directories.has(table.find(inode))) report('a move is of what is no directory');
  const { parent } = linkOf(wire.to ?? {});
  if (!table.directories.has(table.find(parent))) report(`a move goes to ${inodeText(parent)}, which is no directory`);
}
