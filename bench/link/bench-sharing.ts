// `make bench-sharing`: what two flows make of one link and one queue when they begin together, as shares of what both
// get, for a minute. A round is a fresh link.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../median.ts';
import { type Flow, goodput } from './flow.ts';
import { tcpFlow } from './iperf-flow.ts';
import { raiseLab } from './lab.ts';
import { packetfsFairFlow, packetfsFlow } from './packetfs-flow.ts';
import { type LinkProfile, profileNamed } from './profiles.ts';

const PAIRS: readonly (readonly [Flow, Flow])[] = [
  [packetfsFairFlow, tcpFlow('cubic')],
  [packetfsFlow, tcpFlow('cubic')],
];
const FIRST_PORT = 7850;

interface Round {
  /** Of both together, and of the link's rate. */
  readonly shares: readonly [number, number];
  readonly filled: number;
}

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'wan' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    pairs: { type: 'string', default: String(PAIRS.length) },
    output: { type: 'string', default: '' },
  },
});
const profile = profileNamed(values.profile);
const [rounds, seconds, pairCount] = [Number(values.rounds), Number(values.seconds), Number(values.pairs)];
for (const count of [rounds, seconds, pairCount]) {
  if (!Number.isInteger(count) || count < 1) throw new Error('rounds, seconds and pairs are numbers from 1');
}

let port = FIRST_PORT;

async function share(pair: readonly [Flow, Flow], link: LinkProfile, seed: number): Promise<Round> {
  const lab = await raiseLab(`pfs-${process.pid}-share`, { profiles: [link], seed });
  try {
    const [emulated] = lab.links;
    if (emulated === undefined) throw new Error('a lab has a link');
    const [first, second] = await Promise.all(pair.map((flow) => flow.run(emulated, { seconds, port: port++ })));
    if (first === undefined || second === undefined) throw new Error('a pair has two flows');
    const [a, b] = [goodput(first, 0, seconds), goodput(second, 0, seconds)];
    return { shares: [a / (a + b), b / (a + b)], filled: (a + b) / link.bitsPerSecond };
  } finally {
    await lab.remove();
  }
}

const rows: { readonly left: string; readonly right: string; readonly rounds: readonly Round[] }[] = [];
for (const pair of PAIRS.slice(0, pairCount)) {
  const [left = '', right = ''] = pair.map(({ name }) => name);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await share(pair, profile, round + 1));
  const column = (index: 0 | 1): number[] => measured.map(({ shares }) => shares[index]);
  const shown = ([0, 1] as const).map((index) => {
    const each = column(index).map((value) => value.toFixed(2));
    return `${index === 0 ? left : right} ${median(column(index)).toFixed(2)} (${each.join(' ')})`;
  });
  const filled = median(measured.map((round) => round.filled)).toFixed(2);
  process.stdout.write(`${profile.name}, ${seconds} s: ${shown.join('   ')}   together ${filled} of the link\n`);
  rows.push({ left, right, rounds: measured });
}
if (values.output !== '') {
  mkdirSync(values.output, { recursive: true });
  writeFileSync(join(values.output, 'sharing.json'), `${JSON.stringify({ profile, seconds, rows }, null, 2)}\n`);
}
