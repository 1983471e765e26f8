// High-water marks: what the namespace's last commit knows to be durable of every segment. A file that is shorter than
// its mark has lost committed bytes, so the volume must not write on top of it (DESIGN §3, Recovery).
import fs from 'node:fs';
import path from 'node:path';
import type { HighWaterMark, SegmentState } from '../addon/native.ts';

export interface BrokenMark {
  readonly mark: HighWaterMark;
  /** What opening the segment found; undefined when its files are gone. */
  readonly found: SegmentState | undefined;
}

/** format: the chunk table's header and records (docs/format/blob.md). */
const TABLE_HEADER_BYTES = 256;
const TABLE_RECORD_BYTES = 64;

/** How long a chunk table with so many records is at least. */
export const tableBytesOf = (records: number): number => TABLE_HEADER_BYTES + TABLE_RECORD_BYTES * records;

/**
 * The marks of one log that its files do not reach, or that valid records do not reach. Records that are damaged in
 * place, in files that are long enough, are quarantined by the addon and left to the scrub.
 */
export function brokenMarks(log: {
  readonly number: number;
  readonly directory: string;
  readonly marks: readonly HighWaterMark[];
  readonly found: readonly SegmentState[];
}): BrokenMark[] {
  const bySegment = new Map(log.found.map((state) => [state.segment, state]));
  const broken: BrokenMark[] = [];
  for (const mark of log.marks) {
    if (mark.log !== log.number) continue;
    const found = bySegment.get(mark.segment);
    if (found === undefined || !filesReach(log.directory, mark) || !recordsReach(found, mark)) {
      broken.push({ mark, found });
    }
  }
  return broken;
}

function filesReach(directory: string, mark: HighWaterMark): boolean {
  const files = path.join(directory, mark.segment.toString(16).padStart(5, '0'));
  const tableBytes = sizeOf(`${files}.chunks`);
  const tableReaches = tableBytes >= tableBytesOf(mark.records);
  return tableReaches && sizeOf(`${files}.data`) >= mark.dataBytes;
}

const recordsReach = (found: SegmentState, mark: HighWaterMark): boolean =>
  found.corrupt || (found.records >= mark.records && found.dataBytes >= mark.dataBytes);

const sizeOf = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Segments whose marks a commit carries: the last ones that were written to; older ones are complete and sealed. */
export const MARKS_PER_COMMIT_MAX = 256;

/** The newest mark of each of the segments that were synced last. */
export class MarkTable {
  readonly #marks = new Map<string, HighWaterMark>();

  constructor(marks: Iterable<HighWaterMark> = []) {
    this.add(marks);
  }

  add(marks: Iterable<HighWaterMark>): void {
    for (const mark of marks) {
      const key = `${mark.log}/${mark.segment}`;
      this.#marks.delete(key); // so that the oldest stay in front
      this.#marks.set(key, mark);
    }
    for (const key of this.#marks.keys()) {
      if (this.#marks.size <= MARKS_PER_COMMIT_MAX) break;
      this.#marks.delete(key);
    }
  }

  all(): HighWaterMark[] {
    return [...this.#marks.values()];
  }
}
