// One log of the model volume: chunks whose content follows from their address.
import { logPosition } from '../../../src/base/units.ts';
import type { LogName, PositionRange, StoredBatch } from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import type { Chunk } from './model-frame.ts';

export interface ModelLog {
  readonly log: LogName;
  readonly chunks: Map<number, Chunk>;
  /** Chunks known to survive a crash. */
  readonly durable: Set<number>;
  readonly batches: StoredBatch[];
  applied: bigint;
  end: number;
}

export const rangeOf = (start: number, end: number): PositionRange => ({
  start: logPosition(start),
  end: logPosition(end),
});

export const sorted = (entry: ModelLog): Chunk[] =>
  [...entry.chunks.values()].sort((left, right) => left.start - right.start);

export function heldOf(entry: ModelLog): RangeSet {
  const held = new RangeSet();
  for (const chunk of entry.chunks.values()) held.add(rangeOf(chunk.start, chunk.end));
  return held;
}

export function contentOf(log: LogName, start: number, length: number): Uint8Array {
  const salt = (log.node[0] ?? 0) * 31 + log.epoch * 17;
  return Uint8Array.from({ length }, (_, index) => (start + index * 7 + salt) & 0xff);
}

export const sameContent = (chunk: Chunk, log: LogName): boolean => {
  const expected = contentOf(log, chunk.start, chunk.end - chunk.start);
  return expected.length === chunk.bytes.length && expected.every((byte, index) => byte === chunk.bytes[index]);
};

/** Whole neighbouring chunks from the one that holds the range's start on: one, or as many as the bound allows. */
export function chunksFrom(entry: ModelLog, range: PositionRange, rawBytesMax: number): Chunk[] {
  const touched = sorted(entry).filter((chunk) => chunk.end > range.start && chunk.start < range.end);
  const chunks: Chunk[] = [];
  for (const chunk of touched) {
    const last = chunks.at(-1);
    const first = chunks[0] ?? chunk;
    if (first.start > range.start) break;
    if (last && (last.end !== chunk.start || chunk.end - first.start > rawBytesMax)) break;
    chunks.push(chunk);
  }
  return chunks;
}
