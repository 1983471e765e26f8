// casync with its defaults: a tree becomes one stream, with the metadata of files between their bytes, and that is cut.
// Its indexes tell the end and the identity of each chunk before compression (caformat.h of casync).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../../test/support/process.ts';
import type { Stored, StoreOptions, Subject } from './subject.ts';
import { Tally } from './tally.ts';

const LIMIT_MS = 600_000;
const INDEX_HEADER_BYTES = 48;
const TABLE_HEADER_BYTES = 16;
const END_BYTES = 8;
const ITEM_BYTES = 40;

async function store({ releases, directory }: StoreOptions): Promise<Stored> {
  const tally = new Tally();
  for (const [index, release] of releases.entries()) {
    const path = join(directory, `${index + 1}.caidx`);
    await runChecked('casync', ['make', `--store=${join(directory, 'store.castr')}`, path, release], {
      limitMs: LIMIT_MS,
    });
    addChunks(readFileSync(path), tally);
  }
  return tally.stored;
}

/** Items follow each other until one that ends at 0, which is the table's tail. */
export function addChunks(index: Buffer, tally: Tally): void {
  let start = 0;
  for (let at = INDEX_HEADER_BYTES + TABLE_HEADER_BYTES; at + ITEM_BYTES <= index.length; at += ITEM_BYTES) {
    const end = Number(index.readBigUInt64LE(at));
    if (end === 0) return;
    tally.add(index.toString('latin1', at + END_BYTES, at + ITEM_BYTES), end - start);
    start = end;
  }
  throw new Error('the table of an index of casync has no end');
}

export const casync: Subject = {
  name: 'casync',
  differs: false,
  describe: async () => `${(await runChecked('casync', ['--version'])).split('\n')[0]?.trim()}, with its defaults`,
  store,
};
