// `make bench-sharing`: what two flows make of one link and one queue when they begin together, as shares of what both
// get, for a minute. A round is a fresh link.
import { parseArgs } from 'node:util';
import { countOf, writeResult } from '../arguments.ts';
import { median } from '../median.ts';
import { type Flow, goodput } from './flow.ts';
import { tcpFlow } from './iperf-flow.ts';
import { raiseLab } from './lab.ts';
import { packetfsFairFlow, packetfsFlow } from './packetfs-flow.ts';
import { type LinkProfile, payloadBitsPerSecond, profileNamed } from './profiles.ts';

const PAIRS: readonly (readonly [Flow, Flow])[] = [
  [packetfsFairFlow, tcpFlow('cubic')],
  [packetfsFlow, tcpFlow('cubic')],
];
const FIRST_PORT = 7850;

interface Round {
  /** Of both together; and both of what UDP packets of full size carry on the link. */
  readonly shares: readonly [number, number];
  readonly filled: number;
}

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    pairs: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});
const profile = profileNamed(values.profile === '' ? 'wan' : values.profile);
const rounds = countOf(values.rounds, 3);
const seconds = countOf(values.seconds, 60);
const pairCount = countOf(values.pairs, PAIRS.length);

let port = FIRST_PORT;

async function share(pair: readonly [Flow, Flow], link: LinkProfile, seed: number): Promise<Round> {
  const lab = await raiseLab(`pfs-${process.pid}-share`, { profiles: [link], seed });
  try {
    const [emulated] = lab.links;
    if (emulated === undefined) throw new Error('a lab has a link');
    const ready = together(pair.length);
    const [first, second] = await Promise.all(pair.map((flow) => flow.run(emulated, { seconds, port: port++, ready })));
    if (first === undefined || second === undefined) throw new Error('a pair has two flows');
    const [a, b] = [goodput(first, 0, seconds), goodput(second, 0, seconds)];
    return { shares: [a / (a + b), b / (a + b)], filled: (a + b) / payloadBitsPerSecond(link) };
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
writeResult(values.output, 'sharing', { profile, seconds, rows });

/** For so many to await: resolves for all when the last has come. */
function together(count: number): () => Promise<void> {
  let missing = count;
  let open = (): void => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    missing -= 1;
    if (missing === 0) open();
    return all;
  };
}
