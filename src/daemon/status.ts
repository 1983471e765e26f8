// `pfs status`: one picture of volume, replication, transport and members.
import type { NativeCapabilities } from '../addon/native.ts';
import type { PathStatus, PeerStatus, ScrubStatus, StatusResult } from '../control/methods.ts';
import type { Replicator } from '../replication/replicator.ts';
import type { PeerStatus as ReplicationPeer } from '../replication/status.ts';
import type { RateLimit } from '../transport/rate-limit.ts';
import type { Volume } from '../volume/open-volume.ts';
import type { ScrubState } from '../volume/scrub.ts';
import type { VolumeStatus } from '../volume/status.ts';
import { keyText, type Membership } from './membership.ts';
import { type HostPort, textOf } from './targets.ts';
import type { TransportDriver } from './transport-driver.ts';
import type { LinkStatus, TargetStatus, TransportStatus } from './transport-link.ts';

const MS_PER_SECOND = 1000;

export interface StatusSources {
  readonly volumeId: Uint8Array;
  readonly node: Uint8Array;
  readonly stateDirectory: string;
  readonly mountPoint: string;
  readonly startedAt: Date;
  readonly volume: Volume;
  readonly replicator: Replicator;
  readonly driver: TransportDriver;
  readonly rateLimit: RateLimit;
  readonly membership: Membership;
  readonly capabilities: NativeCapabilities;
}

export function statusOf(sources: StatusSources): StatusResult {
  const volume = sources.volume.status();
  const transport = sources.driver.status();
  const peers = peerStatuses(sources, transport);
  return {
    volume: keyText(sources.volumeId),
    node: keyText(sources.node),
    ...healthOf(volume, { peers, readsSeeds: sources.volume.seeds.isAwaited }),
    mountPoint: sources.mountPoint,
    listen: transport.listen === undefined ? '' : textOf(hostPortOf(transport.listen)),
    startedAt: sources.startedAt.toISOString(),
    epoch: volume.epoch,
    sequence: String(volume.sequence),
    inodes: String(volume.inodes),
    chunks: volume.chunks,
    indexMemoryBytes: volume.indexMemoryBytes,
    indexOneIn: volume.indexOneIn,
    ingest: volume.ingest,
    peers,
    maxRateBytesPerSecond: maxRateOf(sources.rateLimit),
    transport: { ...transport.socket, ...transport.counters },
    scrub: scrubStatusOf(sources.volume.scrub.status()),
    simd: sources.capabilities.simd,
    aead: sources.capabilities.aesGcm ? 'aes-256-gcm' : 'chacha20-poly1305',
    ...memoryOf(volume),
  };
}

const maxRateOf = ({ bytesPerMs }: RateLimit): number | undefined =>
  bytesPerMs === undefined ? undefined : Math.round(bytesPerMs * MS_PER_SECOND);

function memoryOf({ cache, kernel }: VolumeStatus): Pick<StatusResult, 'memoryBytes' | 'heap' | 'cache' | 'kernel'> {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return {
    memoryBytes: rss,
    heap: { usedBytes: heapUsed, totalBytes: heapTotal, externalBytes: external },
    cache,
    kernel,
  };
}

function healthOf(
  volume: VolumeStatus,
  { peers, readsSeeds }: { readonly peers: readonly PeerStatus[]; readonly readsSeeds: boolean },
): Pick<StatusResult, 'state' | 'reason'> {
  if (volume.state === 'read-only') return { state: 'READ_ONLY', reason: volume.reason };
  if (volume.state === 'full') return { state: 'DEGRADED', reason: volume.reason };
  const away = peers.filter((peer) => peer.rttMs === undefined).length;
  if (away === 0) return { state: 'ONLINE', reason: readsSeeds ? 'what peers send waits until seeds were read' : '' };
  return { state: 'DEGRADED', reason: `${away} of ${peers.length} peers are not connected` };
}

export function scrubStatusOf(scrub: ScrubState): ScrubStatus {
  return {
    ...scrub,
    bytesDone: String(scrub.bytesDone),
    bytesTotal: String(scrub.bytesTotal),
    findings: scrub.findings.map((finding) => ({
      address: `0x${finding.address.toString(16)}`,
      length: String(finding.length),
      reason: finding.reason,
      paths: finding.paths,
      repaired: finding.repaired,
    })),
  };
}

function peerStatuses(sources: StatusSources, transport: TransportStatus): PeerStatus[] {
  const replication = new Map(sources.replicator.status().peers.map((peer) => [keyText(peer.peer), peer]));
  const links = new Map(transport.links.map((link) => [keyText(link.peer), link]));
  return sources.membership.members().map((member) => {
    const key = keyText(member.publicKey);
    return peerStatusOf({
      key,
      peer: replication.get(key),
      link: links.get(key),
      target: targetOf(transport.targets, member.addresses),
    });
  });
}

const sum = (left = 0, right = 0): number => left + right;

/** Where the transport looks for a member: its own address, or else any that was given by hand. */
const targetOf = (targets: readonly TargetStatus[], addresses: readonly string[]): TargetStatus | undefined =>
  targets.find((target) => addresses.includes(textOf(target))) ?? targets[0];

function peerStatusOf(given: {
  readonly key: string;
  readonly peer: ReplicationPeer | undefined;
  readonly link: LinkStatus | undefined;
  readonly target: TargetStatus | undefined;
}): PeerStatus {
  const { key, peer, link, target } = given;
  const connected = link !== undefined && peer !== undefined;
  const logs = peer?.logs ?? [];
  return {
    publicKey: key,
    address: addressOf(link, target),
    state: connected ? peer.state : (target?.state ?? 'waiting'),
    reason: connected ? peer.reason : (target?.lastProblem ?? (target === undefined ? 'it has to connect to us' : '')),
    rttMs: connected ? peer.rttMs : undefined,
    congestion: connected ? link.statistics.congestion : undefined,
    operationsBehind: String(logs.reduce((sum, log) => sum + log.operationsOutstanding, 0n)),
    bytesBehind: String(logs.reduce((sum, log) => sum + log.bytesOutstanding, 0)),
    literalBytesSent: String(sum(peer?.counters.literalFrameBytesSent, peer?.counters.recipeFrameBytesSent)),
    literalBytesReceived: String(
      sum(peer?.counters.literalFrameBytesReceived, peer?.counters.recipeFrameBytesReceived),
    ),
    recipeBytesFilled: String(peer?.counters.recipeBytesFilled ?? 0),
    asks: peer?.counters.asksSent ?? 0,
    paths: link === undefined ? [] : pathStatuses(link),
  };
}

function pathStatuses({ statistics }: LinkStatus): PathStatus[] {
  const paths = statistics.paths.map(
    (path): PathStatus => ({
      address: textOf(hostPortOf(path.remote)),
      state: path.failing ? 'failing' : 'ok',
      rttMs: path.smoothedRttMs,
      packetsSent: path.packetsSent,
      packetsLost: path.packetsLost,
      datagramBytes: path.datagramBytes,
    }),
  );
  return paths.sort((left, right) => left.rttMs - right.rttMs);
}

function addressOf(link: LinkStatus | undefined, target: TargetStatus | undefined): string {
  if (link !== undefined) return textOf(hostPortOf(link));
  return target === undefined ? '' : textOf(target);
}

const hostPortOf = ({ address, port }: { readonly address: string; readonly port: number }): HostPort => ({
  host: address,
  port,
});
