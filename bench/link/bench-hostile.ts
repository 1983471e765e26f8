// `make bench-hostile`: what ten million hostile datagrams do to a transfer (hostile.ts). A row for each kind: goodput
// in the flood as a share of the quiet around it, the receiver's processor time and memory, and what became of the
// datagrams.
import { parseArgs } from 'node:util';
import { countOf, writeResult } from '../arguments.ts';
import { FLOOD_KINDS, type Flood, type FloodKind, type HostileReport, refusedIn, runHostile } from './hostile.ts';
import { profileNamed } from './profiles.ts';

const MIB = 1024 * 1024;

const { values } = parseArgs({
  options: {
    datagrams: { type: 'string', default: '' },
    rate: { type: 'string', default: '' },
    profile: { type: 'string', default: '' },
    kinds: { type: 'string', default: '' },
    output: { type: 'string', default: '' },
  },
});

function kindNamed(name: string): FloodKind {
  const kind = FLOOD_KINDS.find((known) => known === name);
  if (kind === undefined) throw new Error(`there is no flood "${name}": ${FLOOD_KINDS.join(', ')}`);
  return kind;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

const reasonsOf = (counted: Readonly<Record<string, number>>): string =>
  Object.entries(counted)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

function rowOf(flood: Flood): string {
  const { kind, sent, seconds, bitsPerSecond, quietBitsPerSecond, load, quietLoad, residentBytesMost } = flood;
  const goodput = `${(bitsPerSecond / 1e6).toFixed(1)} of ${(quietBitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return [
    `${kind}: ${sent} sent in ${seconds.toFixed(1)} s`,
    `  goodput ${goodput} (${percent(bitsPerSecond / quietBitsPerSecond)})`,
    `  processor ${percent(load)}, quiet ${percent(quietLoad)}; at most ${mebibytes(residentBytesMost)}`,
    `  refused ${refusedIn(flood.counted)}, dropped by the kernel ${flood.kernelDropped}, by the queue ${flood.queueDropped}`,
    `  ${reasonsOf(flood.counted)}`,
    '',
  ].join('\n');
}

function summaryOf({ floods, residentBytesBefore, residentBytesAfter, ...report }: HostileReport): string {
  const sum = (of: (flood: Flood) => number): number => floods.reduce((total, flood) => total + of(flood), 0);
  const seconds = sum((flood) => flood.seconds);
  const share = sum((flood) => (flood.bitsPerSecond / flood.quietBitsPerSecond) * flood.seconds) / seconds;
  const sent = sum((flood) => flood.sent);
  const { packetsReceived = 0, kernelDropped = 0 } = report.socket;
  return [
    `all: ${sent} sent, goodput ${percent(share)} of quiet`,
    `  memory ${mebibytes(residentBytesBefore)} before, ${mebibytes(residentBytesAfter)} after`,
    `  refused ${sum((flood) => refusedIn(flood.counted))}, dropped by the kernel ${sum((flood) => flood.kernelDropped)}, by the queue ${sum((flood) => flood.queueDropped)}`,
    `  at the socket: ${packetsReceived} taken and ${kernelDropped} dropped of ${sent + report.genuine} (${report.genuine} genuine)`,
    `  accepted: connections ${report.connectionsOpened}, ${reasonsOf(report.accepted)}`,
    '',
  ].join('\n');
}

const report = await runHostile(
  `pfs-${process.pid}-hostile`,
  {
    profile: profileNamed(values.profile === '' ? 'wan' : values.profile),
    datagrams: countOf(values.datagrams, 10_000_000),
    perSecond: countOf(values.rate, 20_000),
    settlingSeconds: 8,
    quietSeconds: 5,
    kinds: values.kinds === '' ? FLOOD_KINDS : values.kinds.split(',').map(kindNamed),
    seed: 1,
  },
  (flood) => process.stdout.write(rowOf(flood)),
);
process.stdout.write(summaryOf(report));
writeResult(values.output, 'hostile', report);
