// A token bucket per source address, in constant memory: when the table is full, the address heard of longest ago is
// forgotten. IPv6 addresses count by their /64, which one host may own whole.
import { ADDRESS_BURST, ADDRESS_RATE_PER_SECOND, ADDRESSES_MAX } from './constants.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

export const addressPrefix = (address: string): string => {
  if (!address.includes(':')) return address;
  const [before = ''] = address.split('::');
  const groups = before.split(':').slice(0, 4);
  return `${groups.join(':')}/64`;
};

export class AddressLimiter {
  readonly #buckets = new Map<string, Bucket>();

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token; false when the address has none left. */
  allow(address: string, nowMs: number): boolean {
    const key = addressPrefix(address);
    const bucket = this.#buckets.get(key) ?? { tokens: ADDRESS_BURST, atMs: nowMs };
    const refilled = bucket.tokens + ((nowMs - bucket.atMs) * ADDRESS_RATE_PER_SECOND) / 1000;
    bucket.tokens = Math.min(ADDRESS_BURST, refilled);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket); // at the end: most recent
    if (this.#buckets.size > ADDRESSES_MAX) this.#forgetOldest();
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
