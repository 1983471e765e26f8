// The addon's forms of extent lists (src/addon/native.ts): flat [fileOffset, length, address] triples, and runs as flat
// [address, length] pairs.
import { assert } from '../base/assert.ts';
import { blobAddress } from '../base/units.ts';
import { type Extent, isHole } from './extent.ts';

const TRIPLE = 3;
const PAIR = 2;

export function toNative(extents: readonly Extent[]): BigUint64Array {
  const flat = new BigUint64Array(extents.length * TRIPLE);
  let index = 0;
  for (const extent of extents) {
    flat[index] = extent.offset;
    flat[index + 1] = extent.length;
    flat[index + 2] = extent.address;
    index += TRIPLE;
  }
  return flat;
}

export function fromNative(flat: BigUint64Array): Extent[] {
  assert(flat.length % TRIPLE === 0, 'a native extent list holds whole triples');
  const extents: Extent[] = [];
  for (let index = 0; index < flat.length; index += TRIPLE) {
    extents.push({
      offset: flat[index] ?? 0n,
      length: flat[index + 1] ?? 0n,
      address: blobAddress(flat[index + 2] ?? 0n),
    });
  }
  return extents;
}

/** The [address, length] pairs of extents; holes left out. */
export function toNativeRuns(extents: readonly Extent[]): BigUint64Array {
  const stored = extents.filter((extent) => !isHole(extent));
  const flat = new BigUint64Array(stored.length * PAIR);
  stored.forEach((extent, index) => {
    flat[index * PAIR] = extent.address;
    flat[index * PAIR + 1] = extent.length;
  });
  return flat;
}
