// What replication must know of an operation batch without applying it: which log and sequences it is (the header),
// and which bytes of which logs its contents refer to. Batches stay opaque bytes otherwise, stored and sent as made.
import protobuf from 'protobufjs/minimal.js';
import { logPosition } from '../base/units.ts';
import { packetfs } from './generated/packetfs.js';
import type { Decoded, WireLogName, WireRange } from './messages.ts';
import { decodeBatch, indexOfSource, SOURCE_NONE } from './operations.ts';

export interface BatchOutline {
  readonly log: WireLogName;
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
}

export interface BatchNeeds {
  readonly log: WireLogName;
  /** In the order of the runs, neither sorted nor merged. */
  readonly ranges: readonly WireRange[];
}

// Field numbers of packetfs.OperationBatch.
const LOGS_FIELD = 1;
const FIRST_SEQUENCE_FIELD = 2;
const OPERATIONS_FIELD = 5;

/** Reads the top level only; operations are counted, not decoded. */
export function outlineOfBatch(bytes: Uint8Array): Decoded<BatchOutline> {
  let log: WireLogName | undefined;
  let firstSequence = 0n;
  let operations = 0n;
  try {
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      if (field === LOGS_FIELD && log === undefined && (tag & 7) === 2) {
        const name = packetfs.LogName.decode(reader.bytes());
        log = { node: Uint8Array.from(name.node ?? []), epoch: name.epoch ?? 0 };
      } else if (field === FIRST_SEQUENCE_FIELD && (tag & 7) === 0) {
        firstSequence = BigInt(reader.uint64().toString());
      } else {
        // With another wire type the decoder of whole batches skips it too: both must count the same.
        if (field === OPERATIONS_FIELD && (tag & 7) === 2) operations += 1n;
        reader.skipType(tag & 7);
      }
    }
  } catch (error) {
    return { ok: false, reason: `batch ${error instanceof Error ? error.message : String(error)}` };
  }
  if (log === undefined || log.node.length !== 32 || log.epoch < 1) return { ok: false, reason: 'batch names no log' };
  if (firstSequence < 1n || operations < 1n) return { ok: false, reason: 'batch is empty' };
  return { ok: true, value: { log, firstSequence, lastSequence: firstSequence + operations - 1n } };
}

/** The bytes that a batch's contents refer to (docs/format/wire.md, Runs). */
export function needsOfBatch(bytes: Uint8Array): Decoded<readonly BatchNeeds[]> {
  const decoded = decodeBatch(bytes);
  if (!decoded.ok) return decoded;
  const { logs, operations } = decoded.batch;
  const ranges = new Map<number, WireRange[]>();
  for (const operation of operations) {
    if (operation.kind !== 'create' && operation.kind !== 'update') continue;
    for (const run of operation.content?.runs ?? []) {
      if (run.source === SOURCE_NONE) continue;
      const found = ranges.get(run.source) ?? [];
      found.push({ start: logPosition(run.position), end: logPosition(run.position + Number(run.length)) });
      ranges.set(run.source, found);
    }
  }
  const needs: BatchNeeds[] = [];
  for (const [source, found] of ranges) {
    const log = logs[indexOfSource(source)];
    if (log) needs.push({ log, ranges: found });
  }
  return { ok: true, value: needs };
}
