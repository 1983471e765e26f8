// The links that PacketFS is measured on, by name. Rates are those of IP packets, `rttMs` is what both directions add
// together, shares are of packets, and both directions are alike. The queue of each direction holds the rate times the
// RTT, as routers are dimensioned, or 50 KB in the shallow variants.
import { KIB } from '../../src/base/units.ts';

export interface LinkProfile {
  readonly name: string;
  readonly bitsPerSecond: number;
  readonly rttMs: number;
  readonly queueBytes: number;
  readonly loss: number;
  /** Mean length of a run of lost packets. */
  readonly lossBurst: number;
}

/** A fast link with a short RTT still needs room for the bursts that its senders make; a slow one, for a moment's. */
const QUEUE_BYTES_MIN = 128 * KIB;
const QUEUE_MS_MIN = 100;
const SHALLOW_QUEUE_BYTES = 50_000;
const MEGABIT = 1e6;

const bandwidthDelayBytes = (bitsPerSecond: number, rttMs: number): number => (bitsPerSecond / 8) * (rttMs / 1000);

function link(name: string, megabits: number, rttMs: number, losses = { loss: 0, lossBurst: 1 }): LinkProfile {
  const bitsPerSecond = megabits * MEGABIT;
  const least = Math.min(QUEUE_BYTES_MIN, bandwidthDelayBytes(bitsPerSecond, QUEUE_MS_MIN));
  const queueBytes = Math.round(Math.max(least, bandwidthDelayBytes(bitsPerSecond, rttMs)));
  return { name, bitsPerSecond, rttMs, queueBytes, ...losses };
}

const FULL_QUEUES: readonly LinkProfile[] = [
  link('lan', 1000, 0.2),
  link('metro', 500, 5),
  link('wan', 100, 50),
  link('longfat', 300, 150),
  link('lossy', 100, 80, { loss: 0.01, lossBurst: 1 }),
  link('bad', 20, 200, { loss: 0.03, lossBurst: 4 }),
  link('satellite', 0.256, 800),
  link('moon', 1000, 300),
];

const shallow = FULL_QUEUES.filter(({ queueBytes }) => queueBytes > SHALLOW_QUEUE_BYTES).map((profile) => ({
  ...profile,
  name: `${profile.name}-shallow`,
  queueBytes: SHALLOW_QUEUE_BYTES,
}));

export const PROFILES: readonly LinkProfile[] = [...FULL_QUEUES, ...shallow];

/** Throws with the known names for one that is not known. */
export function profileNamed(name: string): LinkProfile {
  const profile = PROFILES.find((candidate) => candidate.name === name);
  if (profile !== undefined) return profile;
  throw new Error(`"${name}" is no profile; these are: ${PROFILES.map((known) => known.name).join(', ')}`);
}

/** Of UDP payload, in IPv4 packets of 1500 bytes. */
export const payloadBitsPerSecond = ({ bitsPerSecond }: LinkProfile): number => (bitsPerSecond * 1472) / 1500;

/** As the relay's `set` takes them. */
export const conditionsOf = (profile: LinkProfile): Record<string, number> => ({
  rate: profile.bitsPerSecond,
  delay: profile.rttMs / 2,
  queue: profile.queueBytes,
  loss: profile.loss,
  burst: profile.lossBurst,
});
