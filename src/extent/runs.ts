// Runs: a file's content as columns of delta-coded log positions, the form of packetfs.Runs (docs/format/wire.md, Runs).
// A run names its log by a *source*, an index that the batch around it gives a meaning to. Encoding and decoding share
// cursors (the end of the last run of each source), which go on from file to file of one batch.
import { SEGMENT_BYTES } from '../base/units.ts';

/** The source of a hole. */
export const SOURCE_HOLE = 1;
/** Runs (not holes) under one check. */
export const RUNS_PER_CHECK = 64;

export interface Run {
  readonly source: number;
  /** Log position; 0 for a hole. */
  readonly position: number;
  readonly length: bigint;
}

export interface RunColumns {
  readonly sources: readonly number[];
  readonly positionDeltas: readonly number[];
  /** Of every run but the last. */
  readonly lengths: readonly bigint[];
}

/** Source -> log position where its last run ended. */
export type RunCursors = Map<number, number>;

const LOG_BYTES = 2 ** 48;

/** `runs` cover a file from 0 to its size, without empty ones. */
export function encodeRuns(runs: readonly Run[], cursors: RunCursors): RunColumns {
  const positionDeltas: number[] = [];
  const lengths: bigint[] = [];
  let allOwn = true;
  runs.forEach((run, index) => {
    if (run.source !== 0) allOwn = false;
    if (run.source === SOURCE_HOLE) positionDeltas.push(0);
    else {
      positionDeltas.push(run.position - (cursors.get(run.source) ?? 0));
      cursors.set(run.source, run.position + Number(run.length));
    }
    if (index < runs.length - 1) lengths.push(run.length);
  });
  return { sources: allOwn ? [] : runs.map((run) => run.source), positionDeltas, lengths };
}

/** Undefined if the columns are malformed: they must cover exactly `size` bytes, each run inside one segment. */
export function decodeRuns(columns: RunColumns, size: bigint, cursors: RunCursors): Run[] | undefined {
  const count = columns.positionDeltas.length;
  if (columns.sources.length !== 0 && columns.sources.length !== count) return undefined;
  if (columns.lengths.length !== Math.max(0, count - 1)) return undefined;
  const runs: Run[] = [];
  let covered = 0n;
  for (let index = 0; index < count; index++) {
    const source = columns.sources.length === 0 ? 0 : (columns.sources[index] ?? 0);
    const length = index < count - 1 ? (columns.lengths[index] ?? 0n) : size - covered;
    if (length <= 0n) return undefined;
    const position = positionOf(source, columns.positionDeltas[index] ?? 0, length, cursors);
    if (position === undefined) return undefined;
    runs.push({ source, position, length });
    covered += length;
  }
  return covered === size ? runs : undefined;
}

function positionOf(source: number, delta: number, length: bigint, cursors: RunCursors): number | undefined {
  if (source === SOURCE_HOLE) return delta === 0 ? 0 : undefined;
  const position = (cursors.get(source) ?? 0) + delta;
  if (!Number.isSafeInteger(position) || position < 0 || position >= LOG_BYTES) return undefined;
  if ((position % SEGMENT_BYTES) + Number(length) > SEGMENT_BYTES) return undefined;
  cursors.set(source, position + Number(length));
  return position;
}

/** The stored runs (not holes) in the groups that share a check. */
export function checkGroups(runs: readonly Run[]): (readonly Run[])[] {
  const stored = runs.filter((run) => run.source !== SOURCE_HOLE);
  const groups: Run[][] = [];
  for (let index = 0; index < stored.length; index += RUNS_PER_CHECK) {
    groups.push(stored.slice(index, index + RUNS_PER_CHECK));
  }
  return groups;
}
