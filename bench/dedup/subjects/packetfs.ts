// A mounted node without peers and with its defaults, into which releases are copied as a user copies them. What its
// blob holds is read from the chunk tables after the mount has ended, and must be what the daemon counted.
import { join } from 'node:path';
import { requestControl } from '../../../src/control/client.ts';
import { runChecked } from '../../../test/support/process.ts';
import { packetfs as mounted } from '../../mount/subjects/packetfs.ts';
import { readChunkTables } from './chunk-tables.ts';
import type { Stored, StoreOptions, Subject } from './subject.ts';

const LIMIT_MS = 600_000;

async function store({ releases, directory }: StoreOptions): Promise<Stored> {
  const node = await mounted.start(directory);
  let counted = 0;
  try {
    for (const [index, release] of releases.entries()) {
      const copy = join(node.work, String(index + 1));
      await runChecked('cp', ['-a', release, copy], { limitMs: LIMIT_MS });
      await requestControl(node.backing, 'sync', { timeoutSeconds: 0 });
      await runChecked('diff', ['-rq', '--no-dereference', release, copy], { limitMs: LIMIT_MS });
    }
    const { ingest } = await requestControl(node.backing, 'status', {});
    counted = ingest.appendedBytes;
  } finally {
    await node.stop();
  }
  const stored = readChunkTables(join(node.backing, 'blob'));
  if (stored.uniqueBytes === counted) return stored;
  throw new Error(`the tables have ${stored.uniqueBytes} bytes, the daemon says ${counted}`);
}

/** A volume's secret decides its cuts. */
export const packetfs: Subject = { name: 'packetfs', differs: true, describe: mounted.describe, store };
