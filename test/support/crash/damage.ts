// Damage that no crash does, for the negative controls: what a check of the volume has to find.
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { KIND, kindRange } from '../../../src/namespace/keys.ts';

/** Flips one bit in the middle of the largest file of chunk bytes. */
export function flipBit(stateDirectory: string): void {
  const blob = join(stateDirectory, 'blob');
  const files = readdirSync(blob, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.data'))
    .map((name) => ({ path: join(blob, name), bytes: statSync(join(blob, name)).size }));
  const { path, bytes } = files.reduce((largest, file) => (file.bytes > largest.bytes ? file : largest));
  const descriptor = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  const offset = Math.floor(bytes / 2);
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
