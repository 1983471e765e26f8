// Damage that no crash does, for the negative controls: what a check of the volume has to find.
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { KIND, kindRange } from '../../../src/namespace/keys.ts';

// docs/format/blob.md, Chunk table.
const TABLE_HEADER_BYTES = 256;
const TABLE_RECORD_BYTES = 64;
const SYNCED_RECORDS_AT = 192;

/** Flips one bit of a chunk that was synced: what was not, a crash may take. Nothing where nothing was. */
export function flipBit(stateDirectory: string): void {
  const blob = join(stateDirectory, 'blob');
  const tables = readdirSync(blob, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.chunks'))
    .map((name) => ({ path: join(blob, name), bytes: readFileSync(join(blob, name)) }))
    .filter(({ bytes }) => bytes.length > TABLE_HEADER_BYTES);
  for (const { path, bytes } of tables) {
    const middle = Math.floor(bytes.readUInt32LE(SYNCED_RECORDS_AT) / 2);
    const record = TABLE_HEADER_BYTES + middle * TABLE_RECORD_BYTES;
    if (middle === 0 || record + TABLE_RECORD_BYTES > bytes.length) continue;
    flipAt(path.replace(/chunks$/, 'data'), bytes.readUInt32LE(record));
    return;
  }
}

function flipAt(path: string, offset: number): void {
  const descriptor = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, offset);
  writeSync(descriptor, Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, offset);
  closeSync(descriptor);
}

/** Drops the record of the youngest inode, of those that are committed. */
export async function dropInode(stateDirectory: string): Promise<void> {
  const level = new Level<Buffer, Uint8Array>(join(stateDirectory, 'namespace'), {
    keyEncoding: 'buffer',
    valueEncoding: 'view',
  });
  await level.open();
  try {
    for (const key of await level.keys({ ...kindRange(KIND.inode), reverse: true, limit: 1 }).all())
      await level.del(key);
  } finally {
    await level.close();
  }
}
