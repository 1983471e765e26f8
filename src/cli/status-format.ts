// The status of a volume as text, in the manner of `zpool status`.
import Table from 'cli-table3';
import type { PathStatus, PeerStatus, ScrubStatus, StatusResult } from '../control/methods.ts';
import { formatBytes } from './units.ts';

const KEY_DIGITS_SHOWN = 12;

export function formatStatus(status: StatusResult): string {
  const facts: [string, string][] = [
    ['volume', status.volume],
    ['node', status.node],
    ['state', status.reason === '' ? status.state : `${status.state}: ${status.reason}`],
    ['mount', status.mountPoint],
    ['listen', status.listen],
    ['max rate', formatMaxRate(status)],
    ['since', status.startedAt],
    ['log', `epoch ${status.epoch}, sequence ${status.sequence}`],
    ['holds', `${status.inodes} inodes, ${status.chunks} chunks (index ${formatIndex(status)})`],
    ['cache', formatCache(status)],
    ['ingest', formatIngest(status.ingest)],
    ['scrub', summariseScrub(status.scrub)],
    ['engine', `${status.simd}, ${status.aead}, ${formatBytes(status.memoryBytes)} of memory`],
  ];
  const lines = facts.map(([name, value]) => `${name.padStart(8)}: ${value}\n`).join('');
  const drops = Object.entries(status.transport).filter(([, count]) => count > 0);
  const counters = drops.map(([reason, count]) => `          ${reason}: ${count}\n`).join('');
  return `${lines}   peers:${formatPeers(status.peers)}${counters === '' ? '' : `transport:\n${counters}`}`;
}

const formatIndex = ({ indexMemoryBytes, indexOneIn }: StatusResult): string =>
  `${formatBytes(indexMemoryBytes)}${indexOneIn > 1 ? `, of one in ${indexOneIn}` : ''}`;

const formatMaxRate = ({ maxRateBytesPerSecond }: StatusResult): string =>
  maxRateBytesPerSecond === undefined ? 'unlimited' : `${formatBytes(maxRateBytesPerSecond)}/s to all peers together`;

function formatCache({ cache, kernel }: StatusResult): string {
  const { inodes, bytes, bytesMax, hits, misses, evictions } = cache;
  const size = `${inodes} inodes in ${formatBytes(bytes)} of ${formatBytes(bytesMax)}`;
  return `${size}, ${hits} hits, ${misses} misses, ${evictions} evictions; the kernel holds ${kernel.inodes}`;
}

function formatIngest(ingest: StatusResult['ingest']): string {
  const { bytes, matchedBytes, appendedBytes, zeroBytes } = ingest;
  return `${formatBytes(bytes)} written: ${formatBytes(matchedBytes)} known, ${formatBytes(appendedBytes)} new, ${formatBytes(zeroBytes)} zero`;
}

function formatPeers(peers: readonly PeerStatus[]): string {
  if (peers.length === 0) return ' none; add one with `pfs invite`\n';
  const table = new Table({
    head: ['PEER', 'ADDRESS', 'STATE', 'RTT', 'SENDS', 'BEHIND', '', 'SENT', 'RECEIVED', 'ASKS'],
    style: { head: [], border: [], compact: true },
    chars: NO_BORDERS,
  });
  for (const peer of peers) {
    table.push([
      peer.publicKey.slice(0, KEY_DIGITS_SHOWN),
      peer.address,
      peer.reason === '' ? peer.state : `${peer.state}: ${peer.reason}`,
      peer.rttMs === undefined ? '-' : `${peer.rttMs.toFixed(1)} ms`,
      peer.congestion ?? '-',
      `${peer.operationsBehind} ops`,
      formatBytes(peer.bytesBehind),
      formatBytes(peer.literalBytesSent),
      formatBytes(peer.literalBytesReceived),
      String(peer.asks),
    ]);
    if (peer.paths.length > 1) for (const path of peer.paths) table.push(pathRow(path));
  }
  const indented = table.toString().replace(/^/gm, '    ').replace(/ +$/gm, '');
  return `\n${indented}\n`;
}

/** One of several ways to the peer above it. */
const pathRow = (path: PathStatus): string[] => {
  const lost = `${path.packetsLost} of ${path.packetsSent} packets lost`;
  const state = path.state === 'ok' ? `path: ${lost}` : `path: does not answer, ${lost}`;
  return ['', path.address, state, `${path.rttMs.toFixed(1)} ms`, '', '', '', '', '', ''];
};

export function summariseScrub(scrub: ScrubStatus): string {
  if (scrub.state === 'never') return 'never run';
  const checked = `${formatBytes(scrub.bytesDone)} of ${formatBytes(scrub.bytesTotal)} checked`;
  const repaired = scrub.findings.filter((finding) => finding.repaired).length;
  const errors = `${scrub.findings.length} errors, ${repaired} repaired`;
  if (scrub.state === 'failed') return `failed: ${scrub.reason}; ${checked}, ${errors}`;
  return `${scrub.state}, ${checked}, ${errors}`;
}

/** A scrub with everything it found: what to restore is named by path. */
export function formatScrub(scrub: ScrubStatus): string {
  const findings = scrub.findings.map((finding) => {
    const where = finding.paths.length === 0 ? 'no file' : finding.paths.join(', ');
    const outcome = finding.repaired ? 'repaired' : 'NOT repaired';
    return `  ${finding.reason} at ${finding.address}, ${formatBytes(finding.length)}, ${outcome}: ${where}\n`;
  });
  return `scrub ${summariseScrub(scrub)}\n${findings.join('')}`;
}

export const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
