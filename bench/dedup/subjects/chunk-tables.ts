// What a node's blob holds, read from its chunk tables (docs/format/blob.md) and not from what the daemon says of itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stored } from './subject.ts';

const HEADER_BYTES = 256;
const RECORD_BYTES = 64;
const LENGTH_AT = 8;
const FLAGS_AT = 16;
const MAGIC = 'PFSTABLE';
const SEAL_MAGIC = 'PFSSEAL1';

/** Of all logs of a blob that is closed; `otherBytes`: the tables. */
export function readChunkTables(blobDirectory: string): Stored {
  const tables = readdirSync(blobDirectory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.chunks'),
  );
  let uniqueBytes = 0;
  let chunks = 0;
  let otherBytes = 0;
  for (const name of tables) {
    const table = readFileSync(join(blobDirectory, name));
    otherBytes += table.length;
    for (const length of lengthsIn(table)) {
      uniqueBytes += length;
      chunks++;
    }
  }
  return { uniqueBytes, chunks, otherBytes };
}

function* lengthsIn(table: Buffer): Generator<number> {
  if (table.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('this is no chunk table');
  for (let at = HEADER_BYTES; at + RECORD_BYTES <= table.length; at += RECORD_BYTES) {
    if (table.toString('latin1', at, at + SEAL_MAGIC.length) === SEAL_MAGIC) return;
    const length = table.readUInt32LE(at + LENGTH_AT);
    if (length === 0 || table.readUInt32LE(at + FLAGS_AT) !== 0) throw new Error('this is no record of a chunk');
    yield length;
  }
}
