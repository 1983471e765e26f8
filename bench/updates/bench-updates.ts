// `make bench-updates`: how long after its end a small change is at the other machine of an idle pair, as a program sees
// it in the mount there. What arrives within a round trip was sent without asking anything first, which alone would have
// taken one.
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type SeededRandom, seededRandom } from '../../test/support/seeded-random.ts';
import { countOf, writeResult } from '../arguments.ts';
import { Side } from '../compare/side.ts';
import { packetfs } from '../compare/subjects/packetfs.ts';
import { raiseLab } from '../link/lab.ts';
import { type LinkProfile, profileNamed } from '../link/profiles.ts';
import { describeMachine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { median } from '../median.ts';

const SEED = 11;
const FILE_BYTES = 1 << 20;
const UPDATE_BYTES = 4096;
/** Until the pair is idle again: longer than commits and announcements put things off. */
const IDLE_MS = 1500;
const ARRIVAL_LIMIT_MS = 30_000;
const LATE_MS = 20;

interface Update {
  readonly name: string;
  /** Gives what tells, at the other side, that it is there. */
  readonly make: (scene: Scene, round: number) => () => boolean;
}

interface Scene {
  readonly source: string;
  readonly target: string;
  readonly random: SeededRandom;
}

const UPDATES: readonly Update[] = [
  {
    name: '4 KiB file made',
    make: ({ source, target, random }, round) => {
      const content = random.bytes(UPDATE_BYTES);
      write(join(source, `new-${round}`), 'w', { content, at: 0 });
      return () => isThere(join(target, `new-${round}`), content);
    },
  },
  {
    name: '4 KiB of 1 MiB changed',
    make: ({ source, target, random }) => {
      const content = random.bytes(UPDATE_BYTES);
      const at = random.below(FILE_BYTES / UPDATE_BYTES) * UPDATE_BYTES;
      write(join(source, 'file'), 'r+', { content, at });
      return () =>
        readFileSync(join(target, 'file'))
          .subarray(at, at + UPDATE_BYTES)
          .equals(content);
    },
  },
  {
    name: 'renamed',
    make: ({ source, target }, round) => {
      renameSync(join(source, `name-${round}`), join(source, `name-${round + 1}`));
      return () => statSync(join(target, `name-${round + 1}`), { throwIfNoEntry: false }) !== undefined;
    },
  },
];

function write(
  path: string,
  flags: string,
  { content, at }: { readonly content: Uint8Array; readonly at: number },
): void {
  const file = openSync(path, flags);
  writeSync(file, content, 0, content.length, at);
  closeSync(file);
}

const isThere = (path: string, content: Uint8Array): boolean =>
  statSync(path, { throwIfNoEntry: false })?.size === content.length && readFileSync(path).equals(content);

/** Milliseconds from the end of the change until it was seen. */
async function arrivalMs(update: Update, scene: Scene, round: number): Promise<number> {
  const hasArrived = update.make(scene, round);
  const since = performance.now();
  while (!hasArrived()) {
    if (performance.now() - since > ARRIVAL_LIMIT_MS) throw new Error(`${update.name} did not arrive`);
    await delay(0);
  }
  return performance.now() - since;
}

async function measure(profile: LinkProfile, rounds: number): Promise<Map<string, number[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-updates-'));
  const name = `pfs-${process.pid}-updates`;
  const lab = await raiseLab(name, { profiles: [profile], seed: SEED });
  const sides: Side[] = [];
  try {
    const [link] = lab.links;
    if (link === undefined) throw new Error('a lab has a link');
    const [a, b] = [
      new Side(`${name}-a`, link.a, join(directory, 'a')),
      new Side(`${name}-b`, link.b, join(directory, 'b')),
    ];
    sides.push(a, b);
    const running = await packetfs.start({ a, b });
    try {
      const [source, target] = [join(running.source, 'updates'), join(running.target, 'updates')];
      const scene: Scene = { source, target, random: seededRandom(SEED) };
      mkdirSync(source);
      write(join(source, 'file'), 'w', { content: scene.random.bytes(FILE_BYTES), at: 0 });
      write(join(source, 'name-0'), 'w', { content: scene.random.bytes(UPDATE_BYTES), at: 0 });
      await running.transfer('updates', ['updates']);
      const measured = new Map(UPDATES.map((update) => [update.name, [] as number[]]));
      for (let round = 0; round < rounds; round++) {
        for (const update of UPDATES) {
          await delay(IDLE_MS);
          measured.get(update.name)?.push(await arrivalMs(update, scene, round));
        }
      }
      return measured;
    } finally {
      await running.stop();
    }
  } finally {
    await lab.remove();
    for (const side of sides) await side.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    profiles: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});
const profiles = (values.profiles === '' ? 'lan;wan;longfat' : values.profiles).split(';').map(profileNamed);
const rounds = countOf(values.rounds, 10);
const machine = await describeMachine(tmpdir());
const results: { readonly profile: string; readonly update: string; readonly milliseconds: readonly number[] }[] = [];
const heads = ['link', 'update', 'RTT, ms', 'median, ms', 'worst, ms', `≤ RTT + ${LATE_MS} ms`];
const lines: string[][] = [];
for (const profile of profiles) {
  for (const [update, milliseconds] of await measure(profile, rounds)) {
    results.push({ profile: profile.name, update, milliseconds });
    const within = milliseconds.filter((one) => one <= profile.rttMs + LATE_MS).length;
    const [middle, worst] = [median(milliseconds), Math.max(...milliseconds)].map((one) => one.toFixed(1));
    lines.push([profile.name, update, String(profile.rttMs), middle ?? '', worst ?? '', `${within} of ${rounds}`]);
  }
}
process.stdout.write(markdownTable(heads, lines, 2));
writeResult(values.output, 'updates', { machine, rounds, results });
