// Where an inode number goes in a hash table.

/** 32 bits, signed, of a number's low and high word. Numbers are counted up, so neighbours must not be neighbours. */
export function inodeHash(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return hash ^ (hash >>> 13);
}
