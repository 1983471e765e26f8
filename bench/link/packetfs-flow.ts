// PFT/1 between two processes, one in each namespace of a link.
import { KIB } from '../../src/base/units.ts';
import type { CongestionProfile } from '../../src/transport/congestion-profiles.ts';
import { EndProcess } from './end-process.ts';
import type { Flow, FlowOptions, FlowResult, FlowSample } from './flow.ts';
import type { EmulatedLink } from './lab.ts';
import type { LinkProfile } from './profiles.ts';

/** A block is counted when it is whole, so a slow link gets small ones. */
const BLOCKS_PER_SECOND_MIN = 40;
const BLOCK_BYTES_MIN = 4 * KIB;
const BLOCK_BYTES_MAX = 256 * KIB;
const MARGIN_MS = 30_000;

/** What joins two ends, emulated or not; the profile says how large blocks are. */
type Joined = Pick<EmulatedLink, 'a' | 'b' | 'profile'>;

interface SenderReport {
  readonly statistics: { readonly packetsSent: number; readonly packetsLost: number; readonly congestion: string };
  readonly cpuSeconds: number;
}

interface ReceiverReport {
  readonly samples: readonly FlowSample[];
  readonly cpuSeconds: number;
}

interface Sending {
  readonly congestion: CongestionProfile;
  readonly bytesPerSecondMax?: number;
}

interface PacketfsOptions extends FlowOptions {
  /** Called when the first block goes out. */
  readonly begun?: () => void;
}

interface PacketfsResult extends FlowResult {
  /** The sender's congestion controller, as it names itself. */
  readonly congestion: string;
  /** Of both ends together, from their starts. */
  readonly cpuSeconds: number;
}

export const packetfsFlow: Flow = sendingFlow('packetfs', { congestion: 'bulk' });
export const packetfsFairFlow: Flow = sendingFlow('packetfs fair', { congestion: 'fair' });

/** With a bound on what the sender's node sends to all its peers. */
export const packetfsLimitedFlow = (bytesPerSecondMax: number): Flow =>
  sendingFlow('packetfs limited', { congestion: 'bulk', bytesPerSecondMax });

function sendingFlow(name: string, sending: Sending): Flow {
  return { name, run: (link, options) => runPacketfs([link], options, sending) };
}

/** A transfer over all of the links at once, each a path. They join the same two namespaces. */
export async function runPacketfs(
  links: readonly Joined[],
  { seconds, port, ready, begun }: PacketfsOptions,
  { congestion, bytesPerSecondMax }: Sending = { congestion: 'bulk' },
): Promise<PacketfsResult> {
  const [first] = links;
  if (first === undefined) throw new Error('a transfer needs a link');
  const limitMs = seconds * 1000 + MARGIN_MS;
  const any = links.length > 1 ? '0.0.0.0' : first.b.address;
  const receiver = new EndProcess('packetfs-end', first.b, ['receive', any, port], limitMs);
  const to = links.map(({ b }) => b.address).join(',');
  const target = ['send', to, port, seconds, blockBytesOf(first.profile), congestion];
  const limit = bytesPerSecondMax === undefined ? [] : [bytesPerSecondMax];
  const sender = new EndProcess('packetfs-end', first.a, [...target, ...limit], limitMs);
  try {
    await Promise.all([receiver.said('ready'), sender.said('ready')]);
    await ready?.();
    sender.say('go');
    await sender.said('begun');
    begun?.();
    // Both ends are this bench's own program.
    const { statistics, cpuSeconds } = (await sender.report()) as SenderReport;
    const received = (await receiver.report()) as ReceiverReport;
    const retransmitted = statistics.packetsLost / Math.max(1, statistics.packetsSent);
    return {
      samples: received.samples,
      retransmitted,
      congestion: statistics.congestion,
      cpuSeconds: cpuSeconds + received.cpuSeconds,
    };
  } finally {
    await Promise.all([sender.end(), receiver.end()]);
  }
}

export const blockBytesOf = ({ bitsPerSecond }: LinkProfile): number =>
  Math.round(Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, bitsPerSecond / 8 / BLOCKS_PER_SECOND_MIN)));
