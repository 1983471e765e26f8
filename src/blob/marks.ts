// High-water marks: what the namespace's last commit knows to be durable of every segment. A file that is shorter than
// its mark has lost committed bytes, so the volume must not write on top of it (DESIGN §3, Recovery).
import type { HighWaterMark, SegmentState } from '../addon/native.ts';

export interface BrokenMark {
  readonly mark: HighWaterMark;
  /** What opening the segment found; undefined when its files are gone. */
  readonly found: SegmentState | undefined;
}

/** The marks of one log that its segments do not reach. Segments with quarantined records are left to the scrub. */
export function brokenMarks(
  log: number,
  marks: readonly HighWaterMark[],
  found: readonly SegmentState[],
): BrokenMark[] {
  const bySegment = new Map(found.map((state) => [state.segment, state]));
  const broken: BrokenMark[] = [];
  for (const mark of marks) {
    if (mark.log !== log) continue;
    const state = bySegment.get(mark.segment);
    if (state === undefined) broken.push({ mark, found: undefined });
    else if (!state.corrupt && (state.records < mark.records || state.dataBytes < mark.dataBytes)) {
      broken.push({ mark, found: state });
    }
  }
  return broken;
}

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
