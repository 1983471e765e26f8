// What goes to a peer next: answers to its asks first, then what it lacks of each log, in log order, within one segment
// and about one literal long.
import { logPosition, SEGMENT_BYTES } from '../base/units.ts';
import type { LogKey } from './log-name.ts';
import type { LogName, PositionRange } from './ports.ts';
import type { PushJob } from './push-job.ts';
import type { RangeSet } from './range-set.ts';
import type { RecipePolicy } from './recipe-policy.ts';

export interface Answer {
  readonly ask: number;
  readonly log: LogName;
  readonly key: LogKey;
  readonly remaining: RangeSet;
  /** The peer holds these bytes already, or wants them only once: they do not count against its window. */
  readonly repair: boolean;
}

export interface Piece {
  readonly log: LogName;
  readonly key: LogKey;
  readonly range: PositionRange;
  readonly answer: Answer | undefined;
  /** The hashes go first, not the bytes. */
  readonly recipe: boolean;
}

export interface Waiting {
  /** Those that are done with are taken out. */
  readonly answers: Answer[];
  readonly jobs: Iterable<PushJob>;
}

export function nextPiece(
  { answers, jobs, recipes }: Waiting & { readonly recipes: RecipePolicy },
  bytesMax: (isRecipe: boolean) => number,
): Piece | undefined {
  while (answers[0]?.remaining.isEmpty) answers.shift();
  const answer = answers[0];
  const first = answer?.remaining.first();
  if (answer && first) {
    const range = shortened(first, bytesMax(false));
    return { log: answer.log, key: answer.key, range, answer, recipe: false };
  }
  for (const job of jobs) {
    const front = recipes.front(job.key, job.lacking);
    if (!front) continue;
    const range = shortened(front.range, bytesMax(front.recipe));
    return { log: job.log, key: job.key, range, answer: undefined, recipe: front.recipe };
  }
  return undefined;
}

/** Nothing waits to be packed behind this range. */
export function isLastPiece(range: PositionRange, { answers, jobs }: Waiting): boolean {
  const waiting = [...answers.map(({ remaining }) => remaining), ...[...jobs].map((job) => job.lacking)];
  const [only, another] = waiting.filter((ranges) => !ranges.isEmpty);
  return another === undefined && only?.rangeCount === 1 && (only.first()?.end ?? 0) <= range.end;
}

function shortened({ start, end }: PositionRange, bytesMax: number): PositionRange {
  const segmentEnd = (Math.floor(start / SEGMENT_BYTES) + 1) * SEGMENT_BYTES;
  return { start, end: logPosition(Math.min(end, segmentEnd, start + bytesMax)) };
}
