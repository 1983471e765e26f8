// Rates of metadata operations by 1 client and by 4 at once, each in a directory of its own (metadata_client.cc).
// `stat` follows the creation, as a program sees it; for `lookup` (the same call) and `readdir` the kernel has forgotten
// the entries.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import { type Context, type Group, makeDurable } from '../group.ts';

/** In this order: what makes the files, what looks at them, what removes them; the inverse of `rename` is not counted. */
const STEPS = [
  { row: 'create', operation: 'create', cold: false },
  { row: 'stat', operation: 'stat', cold: false },
  { row: 'lookup', operation: 'stat', cold: true },
  { row: 'readdir', operation: 'readdir', cold: true },
  { row: 'open', operation: 'open', cold: false },
  { row: 'rename', operation: 'rename', cold: false },
  { row: undefined, operation: 'back', cold: false },
  { row: 'unlink', operation: 'unlink', cold: false },
  { row: 'mkdir', operation: 'mkdir', cold: false },
  { row: 'rmdir', operation: 'rmdir', cold: false },
] as const;

export const metadataGroups: readonly Group[] = [1, 4].map((clients) => ({
  name: `metadata, ${clients === 1 ? '1 client' : `${clients} clients`}`,
  warmsUp: true,
  rows: STEPS.flatMap(({ row }) =>
    row === undefined ? [] : [{ name: `${row}-${clients}`, unit: 'operations/s' as const }],
  ),
  measure: (context) => measureSteps(context, clients),
}));

async function measureSteps(context: Context, clients: number): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  const directory = join(context.work, `metadata-${clients}`);
  await runChecked('mkdir', [directory]);
  for (const { row, operation, cold } of STEPS) {
    if (cold) await dropDentries(context);
    const rate = await measureOperation(context, { operation, directory, clients });
    if (row !== undefined && context.wants(`${row}-${clients}`)) rates.set(`${row}-${clients}`, rate);
  }
  return rates;
}

async function measureOperation(
  { metadataClient, sizes }: Context,
  { operation, directory, clients }: { operation: string; directory: string; clients: number },
): Promise<number> {
  const output = await runChecked(metadataClient, [operation, directory, String(sizes.files), String(clients)]);
  const { operations, seconds } = JSON.parse(output) as { operations: number; seconds: number };
  return operations / seconds;
}

/** The kernel forgets names and attributes, and tells FUSE daemons so. */
async function dropDentries(context: Context): Promise<void> {
  await makeDurable(context);
  writeFileSync('/proc/sys/vm/drop_caches', '2');
}
