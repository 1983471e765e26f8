// PFT/1 between two processes, one in each namespace of a link.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KIB } from '../../src/base/units.ts';
import type { CongestionProfile } from '../../src/transport/congestion-profiles.ts';
import { insideNamespace } from '../../test/support/namespaces.ts';
import { runChecked } from '../../test/support/process.ts';
import type { Flow, FlowResult, FlowSample } from './flow.ts';
import type { EmulatedLink } from './lab.ts';
import type { LinkProfile } from './profiles.ts';

/** The command of a program beside this file, as this file runs: compiled, or with the loader that execArgv names. */
export const commandOf = (program: string): readonly string[] => {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return [process.execPath, ...process.execArgv, fileURLToPath(new URL(`./${program}${extension}`, import.meta.url))];
};
const NODE = commandOf('packetfs-end');
/** A block is counted when it is whole, so a slow link gets small ones. */
const BLOCKS_PER_SECOND_MIN = 40;
const BLOCK_BYTES_MIN = 4 * KIB;
const BLOCK_BYTES_MAX = 256 * KIB;
const MARGIN_MS = 30_000;

interface SenderReport {
  readonly statistics: { readonly packetsSent: number; readonly packetsLost: number };
}

interface ReceiverReport {
  readonly samples: readonly FlowSample[];
}

interface Sending {
  readonly congestion: CongestionProfile;
  readonly bytesPerSecondMax?: number;
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
  links: readonly EmulatedLink[],
  { seconds, port }: { seconds: number; port: number },
  { congestion, bytesPerSecondMax }: Sending = { congestion: 'bulk' },
): Promise<FlowResult> {
  const [first] = links;
  if (first === undefined) throw new Error('a transfer needs a link');
  const any = links.length > 1 ? '0.0.0.0' : first.b.address;
  const receive = [...NODE, 'receive', any, String(port)];
  const receiver = await startReceiver(insideNamespace(first.b, receive), seconds);
  const to = links.map(({ b }) => b.address).join(',');
  const target = ['send', to, String(port), String(seconds), String(blockBytesOf(first.profile))];
  const limit = bytesPerSecondMax === undefined ? [] : [String(bytesPerSecondMax)];
  const send = [...NODE, ...target, congestion, ...limit];
  const [command = '', ...parameters] = insideNamespace(first.a, send);
  const said = await runChecked(command, parameters, { limitMs: seconds * 1000 + MARGIN_MS });
  // Both ends are this bench's own program.
  const sender = JSON.parse(said) as SenderReport;
  return resultOf(sender, await receiver.report);
}

const resultOf = ({ statistics }: SenderReport, { samples }: ReceiverReport): FlowResult => ({
  samples,
  retransmitted: statistics.packetsLost / Math.max(1, statistics.packetsSent),
});

export const blockBytesOf = ({ bitsPerSecond }: LinkProfile): number =>
  Math.round(Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, bitsPerSecond / 8 / BLOCKS_PER_SECOND_MIN)));

interface Receiver {
  readonly report: Promise<ReceiverReport>;
}

/** Resolves once it listens. */
async function startReceiver(command: readonly string[], seconds: number): Promise<Receiver> {
  const [program = '', ...parameters] = command;
  const timeout = seconds * 1000 + MARGIN_MS;
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'inherit'], timeout });
  const said: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => said.push(part));
  await once(child.stdout, 'data');
  const report = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`the receiver ended with ${String(code)}`);
    return JSON.parse(Buffer.concat(said).toString().replace('ready\n', '')) as ReceiverReport;
  });
  return { report };
}
