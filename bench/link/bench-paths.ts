// `make bench-paths`: what two links carry together, beside one of them alone in the same round, and what is noticed of one
// that is cut in the middle of a transfer. The whole share is of two links' payload; gaps are between arrivals at the
// receiving application, sampled every tenth of a second.
import { parseArgs } from 'node:util';
import { countOf, writeResult } from '../arguments.ts';
import { median } from '../median.ts';
import { type FlowResult, goodput, longestGap } from './flow.ts';
import { type LinkLab, raiseLab } from './lab.ts';
import { runPacketfs } from './packetfs-flow.ts';
import { profileNamed } from './profiles.ts';

const FIRST_PORT = 7650;
const SETTLING_SECONDS = 8;
const SECONDS = 16;
const CUT_AT_SECONDS = 8;
const MEGABIT = 1e6;

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});
const profile = profileNamed(values.profile === '' ? 'wan' : values.profile);
const rounds = countOf(values.rounds, 3);

let port = FIRST_PORT;

/** `begun` is called when the first block goes out. */
async function measure(seed: number, links: number, begun: (lab: LinkLab) => void = () => {}): Promise<FlowResult> {
  const profiles = Array.from({ length: links }, () => profile);
  const lab = await raiseLab(`pfs-${process.pid}-bench`, { profiles, seed });
  try {
    return await runPacketfs(lab.links, { seconds: SECONDS, port: port++, begun: () => begun(lab) });
  } finally {
    await lab.remove();
  }
}

const settled = (result: FlowResult): number => goodput(result, SETTLING_SECONDS, SECONDS);

const cutSecond = (lab: LinkLab): void => {
  setTimeout(() => void lab.links[1]?.set('ab', { cut: 1 }), CUT_AT_SECONDS * 1000);
};

const ratios: number[] = [];
const gaps: number[] = [];
for (let round = 1; round <= rounds; round++) {
  const one = settled(await measure(round, 1));
  const two = settled(await measure(round, 2));
  const cut = await measure(round, 2, cutSecond);
  ratios.push(two / one);
  gaps.push(longestGap(cut, CUT_AT_SECONDS - 1));
  const afterCut = goodput(cut, CUT_AT_SECONDS + 2, SECONDS);
  const shown = [one, two, afterCut].map((rate) => (rate / MEGABIT).toFixed(1));
  process.stdout.write(
    `round ${round}: one ${shown[0]} Mbit/s, two ${shown[1]}, after a cut ${shown[2]}, gap ${gaps.at(-1)?.toFixed(2)} s\n`,
  );
}
process.stdout.write(`two paths: ${median(ratios).toFixed(2)} times one; gap at a cut: ${median(gaps).toFixed(2)} s\n`);
writeResult(values.output, 'paths', { profile, ratios, gaps });
