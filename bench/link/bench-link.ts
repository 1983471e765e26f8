// `make bench-link`: how much of an emulated link PacketFS fills, beside TCP and plain UDP on the same link in the same
// round, as medians of several rounds. A cell is the goodput of the last seconds of a transfer, when everyone has had
// time to fill the link, as a share of what UDP packets of full size can carry on it.
import { parseArgs } from 'node:util';
import { countOf, writeResult } from '../arguments.ts';
import { median } from '../median.ts';
import { type Flow, type FlowResult, goodput } from './flow.ts';
import { tcpFlow, udpFlow } from './iperf-flow.ts';
import { raiseLab } from './lab.ts';
import { packetfsFlow } from './packetfs-flow.ts';
import { type LinkProfile, payloadBitsPerSecond, profileNamed } from './profiles.ts';

const FLOWS: readonly Flow[] = [packetfsFlow, tcpFlow('cubic'), tcpFlow('bbr'), udpFlow];
const PROFILES = ['lan', 'metro', 'wan', 'longfat', 'lossy', 'bad', 'wan-shallow'];
const FIRST_PORT = 7450;
/** Everyone has so long to fill the link. */
const SETTLING_SECONDS = 10;
const MEASURED_SECONDS = 5;

interface Cell {
  readonly profile: string;
  readonly flow: string;
  /** Shares of the link's payload rate, one for each round. */
  readonly shares: number[];
  readonly retransmitted: number[];
}

const { values } = parseArgs({
  options: {
    profiles: { type: 'string', default: '' },
    flows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});
const chosen = (text: string, all: readonly string[]): string[] => (text === '' ? [...all] : text.split(','));
const profiles = chosen(values.profiles, PROFILES).map(profileNamed);
const flowNames = chosen(
  values.flows,
  FLOWS.map(({ name }) => name),
);
const flows = flowNames.map(flowNamed);
const rounds = countOf(values.rounds, 3);

function flowNamed(name: string): Flow {
  const flow = FLOWS.find((candidate) => candidate.name === name);
  if (flow !== undefined) return flow;
  throw new Error(`there is no flow "${name}": ${FLOWS.map((known) => known.name).join(', ')}`);
}

const share = (result: FlowResult, profile: LinkProfile): number =>
  goodput(result, SETTLING_SECONDS, SETTLING_SECONDS + MEASURED_SECONDS) / payloadBitsPerSecond(profile);

let port = FIRST_PORT;
const cells: Cell[] = [];
for (const profile of profiles) {
  const row: Cell[] = flows.map(({ name }) => ({ profile: profile.name, flow: name, shares: [], retransmitted: [] }));
  cells.push(...row);
  for (let round = 0; round < rounds; round++) {
    for (const [index, flow] of flows.entries()) {
      const lab = await raiseLab(`pfs-${process.pid}-bench`, { profiles: [profile], seed: round + 1 });
      try {
        const [link] = lab.links;
        if (link === undefined) throw new Error('a lab has a link');
        const result = await flow.run(link, { seconds: SETTLING_SECONDS + MEASURED_SECONDS, port: port++ });
        row[index]?.shares.push(share(result, profile));
        if (result.retransmitted !== undefined) row[index]?.retransmitted.push(result.retransmitted);
      } finally {
        await lab.remove();
      }
    }
  }
  const shown = row.map(({ flow, shares, retransmitted }) => {
    const again = retransmitted.length === 0 ? '' : ` (${(100 * median(retransmitted)).toFixed(1)} % again)`;
    return `${flow} ${median(shares).toFixed(3)}${again}`;
  });
  process.stdout.write(`${profile.name.padEnd(12)} ${shown.join('   ')}\n`);
}
writeResult(values.output, 'link', { rounds, cells });
