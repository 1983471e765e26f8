// The record of a run, and what it says of each family.
import { median } from '../median.ts';
import type { Stored } from './subjects/subject.ts';

export const OWN = 'packetfs';
export const REFERENCES: readonly string[] = ['FastCDC NC2', 'FastCDC, equal chunks'];
export const TOOLS: readonly string[] = ['borg', 'restic', 'casync'];

export interface FamilyResult {
  readonly name: string;
  readonly title: string;
  readonly releases: number;
  readonly files: number;
  /** Sizes of all files of all releases. */
  readonly rawBytes: number;
  /** By the subject's name; one that always cuts alike has one round. */
  readonly stored: Readonly<Record<string, readonly Stored[]>>;
}

export interface Results {
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly subjects: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly quick: boolean;
  readonly families: readonly FamilyResult[];
}

/** Median of the rounds; undefined where it was not measured. */
export function uniqueBytes({ stored }: FamilyResult, subject: string): number | undefined {
  const rounds = stored[subject];
  return rounds === undefined ? undefined : median(rounds.map((round) => round.uniqueBytes));
}

/** Median of the rounds, as above. */
export function meanChunkBytes({ stored }: Pick<FamilyResult, 'stored'>, subject: string): number | undefined {
  const rounds = stored[subject] ?? [];
  return rounds.length === 0 ? undefined : median(rounds.map((round) => round.uniqueBytes / round.chunks));
}

/** That stores the least. */
export function bestTool(family: FamilyResult): string | undefined {
  const measured = TOOLS.filter((tool) => family.stored[tool] !== undefined);
  const bytesOf = (tool: string): number => uniqueBytes(family, tool) ?? Number.POSITIVE_INFINITY;
  return measured.sort((one, other) => bytesOf(one) - bytesOf(other))[0];
}

/** PacketFS's unique bytes in terms of another's: at most 1 is asked for. */
export function ratioTo(family: FamilyResult, subject: string | undefined): number | undefined {
  const own = uniqueBytes(family, OWN);
  const other = subject === undefined ? undefined : uniqueBytes(family, subject);
  return own === undefined || other === undefined ? undefined : own / other;
}

/** What PacketFS stores more than, of the tools and the references. */
export const losses = (family: FamilyResult): string[] =>
  [...REFERENCES, ...TOOLS].filter((subject) => (ratioTo(family, subject) ?? 0) > 1);

/** Whether PacketFS stores no more than any other; undefined unless all of them were measured. */
export function isMet(family: FamilyResult): boolean | undefined {
  const measured = [OWN, ...REFERENCES, ...TOOLS].every((subject) => uniqueBytes(family, subject) !== undefined);
  return measured ? losses(family).length === 0 : undefined;
}
