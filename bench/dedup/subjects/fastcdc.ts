// The reference, twice: with the same average over random bytes as PacketFS, and with the same mean length of what it
// stores in each family. Every file is cut by itself, as PacketFS does it, and a chunk is known by its SHA-256. Zeros are
// bytes like others, so a long run of them is stored once.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AVERAGE_BYTES, averageOf, boundsWith, FastCdc, type FastCdcParameters, SAME_AVERAGE } from '../fastcdc.ts';
import type { Stored, StoreOptions, Subject } from './subject.ts';
import { Tally } from './tally.ts';

/** The mean length is nearly a line over the normal size: the third point on it is within 0.2 %. */
const INTERPOLATIONS = 3;
const { minimum, normal, maximum } = SAME_AVERAGE;

export const fastCdc: Subject = {
  name: 'FastCDC NC2',
  differs: true,
  describe: () => {
    const average = Math.round(averageOf(SAME_AVERAGE));
    return Promise.resolve(
      `normalized chunking, level 2: ${minimum}, ${normal}, ${maximum}; chunks of random bytes average ${average}`,
    );
  },
  store: ({ releases, seed }) => Promise.resolve(storeWith(SAME_AVERAGE, releases, seed)),
};

export const fastCdcOfEqualChunks: Subject = {
  name: 'FastCDC, equal chunks',
  differs: true,
  describe: () =>
    Promise.resolve(`the same with the normal size in each family that makes its chunks as long as PacketFS's`),
  store: (options) => Promise.resolve(storeEqualChunks(options)),
};

function storeWith(parameters: FastCdcParameters, releases: readonly string[], seed: number): Stored {
  const chunker = new FastCdc(parameters, seed);
  const tally = new Tally();
  for (const path of releases.flatMap(filesBelow)) {
    const bytes = readFileSync(path);
    let start = 0;
    for (const end of chunker.cuts(bytes)) {
      const chunk = bytes.subarray(start, end);
      tally.add(createHash('sha256').update(chunk).digest('hex'), chunk.length);
      start = end;
    }
  }
  return tally.stored;
}

/** The mean length grows with the normal size, so each interpolation moves one end of what surrounds it. */
function storeEqualChunks({ releases, seed, ownChunkBytes }: StoreOptions): Stored {
  if (ownChunkBytes === undefined) throw new Error('chunks as long as those of packetfs need packetfs beside them');
  const tryWith = (size: number): Try => {
    const stored = storeWith(boundsWith(size), releases, seed);
    return { size, stored, excess: stored.uniqueBytes / stored.chunks - ownChunkBytes };
  };
  let [shorter, longer] = [tryWith(minimum), tryWith(AVERAGE_BYTES)];
  for (let count = 0; count < INTERPOLATIONS; count++) {
    const share = -shorter.excess / (longer.excess - shorter.excess);
    const between = tryWith(Math.round(shorter.size + share * (longer.size - shorter.size)));
    if (between.excess < 0) shorter = between;
    else longer = between;
  }
  return Math.abs(shorter.excess) < Math.abs(longer.excess) ? shorter.stored : longer.stored;
}

interface Try {
  readonly size: number;
  readonly stored: Stored;
  /** How much longer its chunks are, on average, than they should be. */
  readonly excess: number;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
