// Many crash cycles: lanes side by side, each with one volume that lives through a number of crashes and is then thrown
// away for a fresh one. Every volume has a seed of its own; PFS_SEED replays one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unmountBelow } from '../mounts.ts';
import { runChecked } from '../process.ts';
import { seededRandom } from '../seeded-random.ts';
import { type AfterCrash, CrashCycles, type CrashKind, type CycleReport } from './cycle.ts';

export interface CampaignOptions {
  readonly kind: CrashKind;
  readonly seed: number;
  readonly cycles: number;
  readonly lanes: number;
  /** Crashes that one volume lives through. */
  readonly cyclesPerVolume: number;
  /** After each cycle. */
  readonly onCycle?: (cycle: number, seed: number, report: CycleReport) => void;
  /** After a volume was made, before it is used: the negative controls spoil its disk here. */
  readonly spoil?: (cycles: CrashCycles) => Promise<unknown>;
  readonly afterCrash?: AfterCrash;
}

export interface CampaignReport {
  readonly cycles: number;
  /** The first has the campaign's seed, the others those after it. */
  readonly volumes: number;
  readonly acknowledged: number;
  readonly remountMsMax: number;
  readonly lostSectors: number;
  readonly lostNames: number;
}

/** Throws with the seed of the volume at the first finding. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const reports: CycleReport[] = [];
  let started = 0;
  let volumes = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (started < options.cycles && !failed) {
      const count = Math.min(options.cyclesPerVolume, options.cycles - started);
      started += count;
      const seed = (options.seed + volumes++) >>> 0;
      try {
        await runVolume({ ...options, seed, cycles: count }, (report) => reports.push(report) - 1);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  const sum = (of: (report: CycleReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    cycles: reports.length,
    volumes,
    acknowledged: sum((report) => report.acknowledged),
    remountMsMax: Math.max(...reports.map((report) => report.remountMs)),
    lostSectors: sum((report) => report.lostSectors),
    lostNames: sum((report) => report.lostNames),
  };
}

async function runVolume(options: CampaignOptions, note: (report: CycleReport) => number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-crash-'));
  // In memory: what is tested is what the process asks of its disk, and the machine's own would only be slow.
  await runChecked('mount', ['-t', 'tmpfs', 'pfs-crash', directory]);
  const { seed, kind, afterCrash } = options;
  const cycles = new CrashCycles({ directory, random: seededRandom(seed), kind, afterCrash });
  try {
    await cycles.start();
    await options.spoil?.(cycles);
    for (let cycle = 0; cycle < options.cycles; cycle++) {
      const report = await cycles.run();
      const index = note(report);
      options.onCycle?.(index, seed, report);
    }
  } catch (error) {
    throw new Error(`PFS_SEED=${seed} (${kind}): ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    await cycles.volume.close();
    await unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
