// `link`: an emulated link between two network namespaces, brought up, changed and taken down by name
// (docs/link-lab.md). Exit codes: 1 for wrong usage or a request that cannot be met.
import { parseArgs } from 'node:util';
import { type Ends, findLab, type LinkLab, raiseLab } from './lab.ts';
import { PROFILES, profileNamed } from './profiles.ts';

const USAGE = `usage: link up PROFILE… [--seed N]            two namespaces, joined by a link of each profile
       link down                              remove them
       link set a|b|ab KEY=NUMBER…            change a link while it runs: rate (bit/s), delay and
                                              reorder-delay (ms, one way), queue (bytes), burst (packets), loss,
                                              reorder, duplicate, corrupt (shares of packets), cut (0 or 1)
       link cut | restore                     nothing passes; all passes again
       link counters                          packets and bytes of each direction, as JSON
       link profiles                          the names and what they mean
options: --name NAME (pfslink), --link N (0, of those that are up)
`;

interface Request {
  readonly words: readonly string[];
  readonly name: string;
  readonly link: number;
  readonly seed: number;
}

function parseRequest(parameters: readonly string[]): Request {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'pfslink' },
      link: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [link, seed] = [Number(values.link), Number(values.seed)];
  if (!Number.isSafeInteger(link) || link < 0) throw new Error(`"${values.link}" is no link: they count from 0`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`"${values.seed}" is no seed: a whole number`);
  return { words: positionals, name: values.name, link, seed };
}

async function handle(request: Request): Promise<string> {
  const [verb, ...rest] = request.words;
  const chosen = () => linkOf(findLab(request.name), request.link);
  switch (verb) {
    case 'up':
      return describe(await raiseLab(request.name, { profiles: rest.map(profileNamed), seed: request.seed }));
    case 'down':
      await findLab(request.name).remove();
      return '';
    case 'set':
      await chosen().set(endsOf(rest[0]), conditionsOf(rest.slice(1)));
      return '';
    case 'cut':
      await chosen().set('ab', { cut: 1 });
      return '';
    case 'restore':
      await chosen().set('ab', { cut: 0 });
      return '';
    case 'counters':
      return `${JSON.stringify(await chosen().counters(), null, 2)}\n`;
    case 'profiles':
      return PROFILES.map((profile) => `${lineOf(profile)}\n`).join('');
    default:
      throw new Error(USAGE);
  }
}

function linkOf(lab: LinkLab, index: number) {
  const link = lab.links[index];
  if (link === undefined) throw new Error(`the lab "${lab.name}" has links 0 to ${lab.links.length - 1}`);
  return link;
}

function endsOf(word: string | undefined): Ends {
  if (word === 'a' || word === 'b' || word === 'ab') return word;
  throw new Error('say whose packets: a, b or ab');
}

function conditionsOf(words: readonly string[]): Record<string, number> {
  if (words.length === 0) throw new Error('say what to set: KEY=NUMBER');
  return Object.fromEntries(
    words.map((word) => {
      const [key = '', text = ''] = word.split('=', 2);
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) throw new Error(`"${word}" is not KEY=NUMBER`);
      return [key, value];
    }),
  );
}

const lineOf = ({ name, bitsPerSecond, rttMs, queueBytes, loss, lossBurst }: (typeof PROFILES)[number]): string => {
  const losses = loss === 0 ? '' : `, ${100 * loss} % lost${lossBurst > 1 ? ` in runs of ${lossBurst}` : ''}`;
  return `${name.padEnd(18)} ${bitsPerSecond / 1e6} Mbit/s, RTT ${rttMs} ms, queue ${Math.round(queueBytes / 1000)} kB${losses}`;
};

const describe = (lab: LinkLab): string =>
  lab.links
    .map(({ profile, a, b }) => `${lineOf(profile)}\n  ${a.name} ${a.address}   ${b.name} ${b.address}\n`)
    .join('');

try {
  process.stdout.write(await handle(parseRequest(process.argv.slice(2))));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(message === USAGE ? USAGE : `link: ${message}\n`);
  process.exitCode = 1;
}
