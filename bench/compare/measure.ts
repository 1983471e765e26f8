// Runs the rows with one subject on a fresh link, in turn. Of each: seconds from its first command until the receiver
// has all, seconds of that after the last command, bytes on the link, processor time and memory at either side. Afterwards
// the receiver's bytes are compared with the sender's.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { unmountBelow } from '../../test/support/mounts.ts';
import { run } from '../../test/support/process.ts';
import { type EmulatedLink, raiseLab } from '../link/lab.ts';
import type { LinkProfile } from '../link/profiles.ts';
import type { Row, Step } from './rows.ts';
import { Side } from './side.ts';
import type { RunningSubject, Sides, Subject } from './subjects/subject.ts';

const COMPARE_LIMIT_MS = 600_000;

export interface Measured {
  readonly row: string;
  readonly seconds: number;
  readonly secondsAfterChange: number;
  /** IP packets that both ends gave to the link. */
  readonly wireBytes: number;
  readonly senderCpuSeconds: number;
  readonly receiverCpuSeconds: number;
  /** The most that was resident at once. */
  readonly senderMemoryBytes: number;
  readonly receiverMemoryBytes: number;
}

export interface MeasureOptions {
  readonly subject: Subject;
  readonly rows: readonly Row[];
  readonly profile: LinkProfile;
  readonly seed: number;
  /** Empty; left empty. */
  readonly directory: string;
  /** Called with each row when it is measured and compared. */
  readonly told?: (measured: Measured) => void;
  /** Ends what runs on both machines, and then the measurement with an error. */
  readonly signal?: AbortSignal;
}

export async function measureRows(options: MeasureOptions): Promise<Measured[]> {
  const { subject, rows, profile, seed, directory } = options;
  const name = `pfs-${process.pid}-compare`;
  const lab = await raiseLab(name, { profiles: [profile], seed });
  const sides: Side[] = [];
  const interrupt = (): void => {
    for (const side of sides) side.kill();
  };
  options.signal?.addEventListener('abort', interrupt);
  try {
    const [link] = lab.links;
    if (link === undefined) throw new Error('a lab has a link');
    const a = new Side(`${name}-a`, link.a, join(directory, 'a'));
    const b = new Side(`${name}-b`, link.b, join(directory, 'b'));
    sides.push(a, b);
    const running = await subject.start({ a, b });
    const measured: Measured[] = [];
    try {
      for (const row of rows) {
        options.signal?.throwIfAborted();
        if (subject.leavesOut?.includes(row.name)) continue;
        const one = await measureRow(row, { running, sides: { a, b }, link });
        measured.push(one);
        options.told?.(one);
      }
    } finally {
      await running.stop();
    }
    return measured;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    await lab.remove();
    await unmountBelow(directory);
    for (const side of sides) await side.remove();
    for (const side of ['a', 'b']) rmSync(join(directory, side), { recursive: true, force: true });
  }
}

interface Scene {
  readonly running: RunningSubject;
  readonly sides: Sides;
  readonly link: EmulatedLink;
}

async function measureRow(row: Row, scene: Scene): Promise<Measured> {
  const { running, sides, link } = scene;
  mkdirSync(join(running.source, row.group), { recursive: true });
  if (row.before !== undefined) await take(row, row.before, scene);
  const bytesBefore = await wireBytes(link);
  const cpuBefore = [sides.a.cpuSeconds, sides.b.cpuSeconds] as const;
  const memory = [sides.a.watchMemory(), sides.b.watchMemory()] as const;
  let seconds = 0;
  let secondsAfterChange = 0;
  try {
    for (const step of row.steps) {
      const took = await take(row, step, scene);
      seconds += took.seconds;
      secondsAfterChange += took.secondsAfterChange;
    }
  } finally {
    for (const watch of memory) watch.stop();
  }
  const measured = {
    row: row.name,
    seconds,
    secondsAfterChange,
    wireBytes: (await wireBytes(link)) - bytesBefore,
    senderCpuSeconds: sides.a.cpuSeconds - cpuBefore[0],
    receiverCpuSeconds: sides.b.cpuSeconds - cpuBefore[1],
    senderMemoryBytes: memory[0].mostBytes,
    receiverMemoryBytes: memory[1].mostBytes,
  };
  for (const name of row.steps.at(-1)?.names ?? []) await compare(row, name, running);
  return measured;
}

async function take(
  { group }: Row,
  { commands, names }: Step,
  { running, sides }: Scene,
): Promise<{ seconds: number; secondsAfterChange: number }> {
  const startedAt = performance.now();
  const place = join(running.source, group);
  for (const command of commands) await sides.a.run('env', '-C', place, ...command);
  const changedAt = performance.now();
  await running.transfer(group, names);
  const endedAt = performance.now();
  return { seconds: (endedAt - startedAt) / 1000, secondsAfterChange: (endedAt - changedAt) / 1000 };
}

async function wireBytes(link: EmulatedLink): Promise<number> {
  const { a, b } = await link.counters();
  return a.offeredBytes + b.offeredBytes;
}

async function compare({ name: row, group }: Row, name: string, { source, target }: RunningSubject): Promise<void> {
  const places = [join(source, group, name), join(target, group, name)];
  const { code, stdout, stderr } = await run('diff', ['-rq', '--no-dereference', ...places], {
    limitMs: COMPARE_LIMIT_MS,
  });
  if (code === 0) return;
  throw new Error(`${row}: the receiver has something else:\n${stdout.slice(0, 2000)}${stderr}`);
}
