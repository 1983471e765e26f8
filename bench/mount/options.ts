// The command line of the bench, and how much work each of its two sizes is.
import { parseArgs } from 'node:util';
import { KIB, MIB } from '../../src/base/units.ts';
import type { Sizes } from './group.ts';

export const ALL_SUBJECTS = ['packetfs', 'passthrough_hp', 'disk', 'bindfs', 'sshfs', 'gocryptfs'];
/** What needs nothing but the packages that tests need, and no network. */
const QUICK_SUBJECTS = ['packetfs', 'passthrough_ll', 'disk'];
const ROUNDS = 3;
const WARM_UPS = 3;

const FULL: Sizes = {
  bulkBytes: 256 * MIB,
  smallBlockBytes: 64 * MIB,
  files: 2000,
  transactions: 1000,
  commits: 1000,
  treePackages: ['lodash', 'protobufjs', 'zod', 'typescript', 'fast-check', '@types/node'],
  smallFiles: 18_000,
  npm: 'own',
};

const QUICK: Sizes = {
  bulkBytes: 4 * MIB,
  smallBlockBytes: 128 * KIB,
  files: 20,
  transactions: 5,
  commits: 20,
  treePackages: ['long'],
  smallFiles: 200,
  npm: 'small',
};

export interface BenchOptions {
  readonly quick: boolean;
  /** Names of rows or their first words; none means all. */
  readonly rows: readonly string[];
  readonly subjects: readonly string[];
  /** The subject that the ratios are to. */
  readonly baseline: string;
  readonly rounds: number;
  /** Untimed passes before a group whose rates are those of a daemon that has run for a while. */
  readonly warmUps: number;
  /** On the disk to measure; undefined for the temporary one. */
  readonly directory: string | undefined;
  /** Where results are written; undefined for nowhere. */
  readonly output: string | undefined;
}

export const sizesOf = ({ quick }: BenchOptions): Sizes => (quick ? QUICK : FULL);

/** Throws on what it does not know. An empty value is as good as none, so that make can pass its variables on. */
export function parseOptions(parameters: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      quick: { type: 'boolean', default: false },
      rows: { type: 'string', default: '' },
      subjects: { type: 'string', default: '' },
      rounds: { type: 'string', default: '' },
      'warm-ups': { type: 'string', default: '' },
      directory: { type: 'string', default: '' },
      output: { type: 'string', default: '' },
    },
  });
  const { quick } = values;
  const named = words(values.subjects);
  const subjects = named.length > 0 ? named : usualSubjects(quick);
  const rounds = values.rounds === '' ? usualRounds(quick) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`"${values.rounds}" is no number of rounds`);
  const given = values['warm-ups'];
  const warmUps = given === '' ? usualWarmUps(quick) : Number(given);
  if (!Number.isInteger(warmUps) || warmUps < 0) throw new Error(`"${given}" is no number of warm-ups`);
  return {
    quick,
    rows: words(values.rows),
    subjects,
    baseline: subjects.find((name) => name.startsWith('passthrough')) ?? 'passthrough_hp',
    rounds,
    warmUps,
    directory: values.directory === '' ? undefined : values.directory,
    output: values.output === '' ? undefined : values.output,
  };
}

const usualSubjects = (quick: boolean): readonly string[] => (quick ? QUICK_SUBJECTS : ALL_SUBJECTS);
const usualRounds = (quick: boolean): number => (quick ? 1 : ROUNDS);
const usualWarmUps = (quick: boolean): number => (quick ? 0 : WARM_UPS);
const words = (text: string): string[] => text.split(',').filter((word) => word !== '');
