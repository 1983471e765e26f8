// Runs the groups: in each round every subject measures a group in turn, so that what else the machine does falls on
// all alike; the subject that begins moves on from round to round. A subject is started anew each time.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unmountBelow } from '../../test/support/mounts.ts';
import type { Fixtures } from './fixtures.ts';
import { type Context, type Group, makeDurable, type Sizes } from './group.ts';
import type { Subject } from './subjects/subject.ts';

export interface RunOptions {
  readonly directory: string;
  readonly subjects: readonly Subject[];
  readonly groups: readonly Group[];
  readonly rounds: number;
  readonly warmUps: number;
  readonly sizes: Sizes;
  readonly fixtures: Fixtures;
  readonly metadataClient: string;
  readonly wants: (row: string) => boolean;
  readonly progress: (line: string) => void;
}

/** Row, then subject, then the value of each round. */
export type Measurements = Map<string, Map<string, number[]>>;

export async function runRounds(options: RunOptions): Promise<Measurements> {
  const measurements: Measurements = new Map();
  for (const group of options.groups) {
    if (!group.rows.some(({ name }) => options.wants(name))) continue;
    for (let round = 0; round < options.rounds; round++) {
      options.progress(`${group.name}, round ${round + 1} of ${options.rounds}`);
      for (const subject of rotated(options.subjects, round)) {
        record(measurements, subject.name, await measureGroup(options, group, subject));
      }
    }
  }
  return measurements;
}

const rotated = <Value>(values: readonly Value[], by: number): Value[] =>
  values.map((_, index) => values[(index + by) % values.length] as Value);

async function measureGroup(options: RunOptions, group: Group, subject: Subject): Promise<Map<string, number>> {
  const directory = join(options.directory, 'subjects', subject.name);
  mkdirSync(directory, { recursive: true });
  try {
    const running = await subject.start(directory);
    const context = { ...options, ...running };
    await group.prepare?.(context);
    if (group.warmsUp === true) await warmUp(options, group, context);
    await makeDurable(running);
    const measured = await group.measure(context);
    await running.stop();
    return measured;
  } catch (error) {
    throw new Error(`${subject.name}, ${group.name}: ${String(error)}`, { cause: error });
  } finally {
    await unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function warmUp({ warmUps }: RunOptions, group: Group, context: Context): Promise<void> {
  for (let pass = 0; pass < warmUps; pass++) {
    const work = join(context.work, `warm-up-${pass}`);
    mkdirSync(work);
    await group.measure({ ...context, work });
  }
}

function record(measurements: Measurements, subject: string, values: ReadonlyMap<string, number>): void {
  for (const [row, value] of values) {
    const ofRow = measurements.get(row) ?? new Map<string, number[]>();
    ofRow.set(subject, [...(ofRow.get(subject) ?? []), value]);
    measurements.set(row, ofRow);
  }
}
