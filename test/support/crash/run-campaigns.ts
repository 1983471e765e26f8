// The long form of test/e2e/crash-cycles.test.ts: `make test-crash`. Environment: KILLS, CUTS, SHUTDOWNS (cycles of each
// kind), LANES, VOLUME_CYCLES (crashes that one volume lives through), PFS_SEED, and SLICE=2/10 for one part of ten, which
// with the others of the same PFS_SEED is the whole.
import { seedOfRun } from '../seeded-random.ts';
import { type CampaignReport, runCampaign } from './campaign.ts';
import type { CrashKind } from './cycle.ts';
import { buildPrograms } from './programs.ts';
import { parseSlice, partOf, type SlicePart } from './slice.ts';

const CYCLES_BETWEEN_LINES = 50;
/** At rest and in use; a finding ends the campaign. */
const CHECKS_PER_CYCLE = 2;

const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

async function run(kind: CrashKind, { seed, cycles }: SlicePart): Promise<CampaignReport> {
  const started = performance.now();
  return await runCampaign({
    kind,
    cycles,
    seed,
    lanes: numberOf('LANES', 2),
    cyclesPerVolume,
    onCycle: (cycle, volumeSeed) => {
      if ((cycle + 1) % CYCLES_BETWEEN_LINES !== 0) return;
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      console.log(`${kind}: ${cycle + 1} of ${cycles} cycles, ${minutes} min, volume PFS_SEED=${volumeSeed}`);
    },
  });
}

const cyclesPerVolume = numberOf('VOLUME_CYCLES', 50);
const slice = parseSlice(process.env.SLICE);
const seed = seedOfRun();
await buildPrograms();
const plan: readonly [CrashKind, number][] = [
  ['kill', numberOf('KILLS', 2000)],
  ['power', numberOf('CUTS', 500)],
  ['ext4', numberOf('SHUTDOWNS', 50)],
  ['xfs', numberOf('SHUTDOWNS', 50)],
];
for (const [kind, cycles] of plan) {
  const part = partOf({ seed, cycles, cyclesPerVolume }, slice);
  if (part.cycles === 0) continue;
  const report = await run(kind, part);
  console.log(
    `${kind}: ${report.cycles} of ${cycles} cycles (slice ${slice.index}/${slice.count}), ` +
      `${report.volumes} volumes, seeds ${part.seed} to ${part.seed + report.volumes - 1}: ` +
      `${report.acknowledged} operations acknowledged, ` +
      `${report.lostSectors} sectors and ${report.lostNames} names lost, none of them promised; ` +
      `${CHECKS_PER_CYCLE * report.cycles} checks with 0 findings; ` +
      `slowest mount ${Math.round(report.remountMsMax)} ms`,
  );
}
