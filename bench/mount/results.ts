// The record of a run: every round's value, medians, and ratios of speed (more is faster, whatever the unit).
import { median } from '../median.ts';
import type { Group, Unit } from './group.ts';
import type { Measurements } from './rounds.ts';
import type { Subject } from './subjects/subject.ts';
import { targetOf } from './targets.ts';

export interface RowResult {
  readonly name: string;
  readonly unit: Unit;
  readonly subjects: Readonly<Record<string, { readonly rounds: readonly number[]; readonly median: number }>>;
  /** PacketFS's speed in terms of another's; undefined where one of them was not measured. */
  readonly ratioToPassthrough: number | undefined;
  readonly ratioToDisk: number | undefined;
  readonly target: { readonly ratio: number; readonly against: string; readonly met: boolean } | undefined;
}

export interface Results {
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly subjects: Readonly<Record<string, string>>;
  readonly baseline: string;
  readonly rounds: number;
  readonly warmUps: number;
  readonly quick: boolean;
  readonly rows: readonly RowResult[];
}

export function rowResults(
  measurements: Measurements,
  { groups, baseline }: { groups: readonly Group[]; baseline: string },
): RowResult[] {
  return groups.flatMap((group) =>
    group.rows.flatMap(({ name, unit }) => {
      const measured = measurements.get(name);
      return measured === undefined ? [] : [rowResult({ name, unit, measured, baseline })];
    }),
  );
}

function rowResult(row: {
  name: string;
  unit: Unit;
  measured: ReadonlyMap<string, readonly number[]>;
  baseline: string;
}): RowResult {
  const { name, unit, measured, baseline } = row;
  const subjects = Object.fromEntries(
    [...measured].map(([subject, rounds]) => [subject, { rounds, median: median(rounds) }]),
  );
  const ratioTo = (other: string): number | undefined => {
    const own = subjects['packetfs']?.median;
    const others = subjects[other]?.median;
    if (own === undefined || others === undefined) return undefined;
    return unit === 'seconds' ? others / own : own / others;
  };
  const ratioToPassthrough = ratioTo(baseline);
  const ratioToDisk = ratioTo('disk');
  const target = judge(name, { passthrough: ratioToPassthrough, disk: ratioToDisk });
  return { name, unit, subjects, ratioToPassthrough, ratioToDisk, target };
}

function judge(
  row: string,
  ratios: { passthrough: number | undefined; disk: number | undefined },
): RowResult['target'] {
  const target = targetOf(row);
  const ratio = target === undefined ? undefined : ratios[target.against];
  if (target === undefined || ratio === undefined) return undefined;
  return { ratio: target.ratio, against: target.against, met: ratio >= target.ratio };
}

export async function describeSubjects(subjects: readonly Subject[]): Promise<Record<string, string>> {
  const described: Record<string, string> = {};
  for (const subject of subjects) described[subject.name] = await subject.describe();
  return described;
}
