// Data that the filesystem already holds: written again over itself in place, and into a second file. The source is in
// memory, so only the writing and its fsync count. And reading with nothing cached at all, from the disk.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { MIB } from '../../../src/base/units.ts';
import { runChecked } from '../../../test/support/process.ts';
import { type Context, type Group, makeDurable, secondsOf } from '../group.ts';

const MEMORY = '/dev/shm';
const LIMIT_MS = 300_000;

export const knownDataGroup: Group = {
  name: 'known data, cold data',
  rows: ['rewrite-known', 'copy-known', 'seqread-disk'].map((name) => ({ name, unit: 'bytes/s' as const })),
  measure: async (context) => {
    const source = join(MEMORY, `packetfs-bench-${process.pid}`);
    const megabytes = Math.max(1, Math.floor(context.sizes.bulkBytes / MIB));
    try {
      await copy({ from: '/dev/urandom', to: source, more: [`count=${megabytes}`, 'iflag=fullblock'] });
      return await measureWith(context, { source, bytes: megabytes * MIB });
    } finally {
      rmSync(source, { force: true });
    }
  },
};

async function measureWith(
  context: Context,
  { source, bytes }: { source: string; bytes: number },
): Promise<Map<string, number>> {
  const first = join(context.work, 'first');
  await copy({ from: source, to: first, more: ['conv=fsync'] });
  await makeDurable(context);
  const actions: readonly (readonly [string, () => Promise<void>])[] = [
    ['rewrite-known', () => copy({ from: source, to: first, more: ['conv=notrunc,fsync'] })],
    ['copy-known', () => copy({ from: source, to: join(context.work, 'second'), more: ['conv=fsync'] })],
    ['seqread-disk', () => copy({ from: first, to: '/dev/null', more: [] })],
  ];
  const rates = new Map<string, number>();
  for (const [row, action] of actions) {
    if (!context.wants(row)) continue;
    if (row === 'seqread-disk') await dropPages(context);
    rates.set(row, bytes / (await secondsOf(action)));
    await makeDurable(context);
  }
  return rates;
}

/** Forgets the cached pages of every file that the subject keeps, above and below the mount. */
async function dropPages({ work, backing }: Context): Promise<void> {
  const drop = 'for file; do dd if="$file" iflag=nocache count=0 status=none; done';
  for (const directory of new Set([work, backing])) {
    await runChecked('find', [directory, '-type', 'f', '-size', '+0', '-exec', 'sh', '-c', drop, '-', '{}', '+']);
  }
}

async function copy(options: { from: string; to: string; more: readonly string[] }): Promise<void> {
  const { from, to, more } = options;
  await runChecked('dd', [`if=${from}`, `of=${to}`, 'bs=1M', 'status=none', ...more], { limitMs: LIMIT_MS });
}
