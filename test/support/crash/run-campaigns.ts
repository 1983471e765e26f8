// The long form of test/e2e/crash-cycles.test.ts: `make test-crash`. Environment: KILLS, CUTS, SHUTDOWNS (cycles of each
// kind), LANES, VOLUME_CYCLES (crashes that one volume lives through), PFS_SEED.
import { seedOfRun } from '../seeded-random.ts';
import { type CampaignReport, runCampaign } from './campaign.ts';
import type { CrashKind } from './cycle.ts';
import { buildPrograms } from './programs.ts';

const CYCLES_BETWEEN_LINES = 50;

const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

async function run(kind: CrashKind, cycles: number): Promise<CampaignReport | undefined> {
  if (cycles === 0) return undefined;
  const started = performance.now();
  return await runCampaign({
    kind,
    cycles,
    seed,
    lanes: numberOf('LANES', 2),
    cyclesPerVolume: numberOf('VOLUME_CYCLES', 50),
    onCycle: (cycle, volumeSeed) => {
      if ((cycle + 1) % CYCLES_BETWEEN_LINES !== 0) return;
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      console.log(`${kind}: ${cycle + 1} of ${cycles} cycles, ${minutes} min, volume PFS_SEED=${volumeSeed}`);
    },
  });
}

const seed = seedOfRun();
await buildPrograms();
const plan: readonly [CrashKind, number][] = [
  ['kill', numberOf('KILLS', 2000)],
  ['power', numberOf('CUTS', 500)],
  ['ext4', numberOf('SHUTDOWNS', 50)],
  ['xfs', numberOf('SHUTDOWNS', 50)],
];
for (const [kind, cycles] of plan) {
  const report = await run(kind, cycles);
  if (report === undefined) continue;
  console.log(
    `${kind}: ${report.cycles} cycles, ${report.acknowledged} operations acknowledged, ` +
      `${report.lostSectors} sectors and ${report.lostNames} names lost, none of them promised; ` +
      `mounted again within ${Math.round(report.remountMsMax)} ms`,
  );
}
