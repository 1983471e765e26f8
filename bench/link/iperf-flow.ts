// What a user would have instead: TCP with one of the kernel's congestion controls, and plain UDP at the link's own rate,
// both by iperf3, as its server counts what arrives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { insideNamespace } from '../../test/support/namespaces.ts';
import { runChecked, waitFor } from '../../test/support/process.ts';
import type { Flow, FlowOptions, FlowResult } from './flow.ts';
import type { EmulatedLink } from './lab.ts';

const MARGIN_MS = 30_000;
const INTERVAL_SECONDS = 0.1;
/** What fills a packet of 1500 bytes. */
const UDP_PAYLOAD_BYTES = 1472;

interface IperfReport {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: { readonly end: number; readonly bytes: number } }[];
  readonly end: { readonly sum_sent?: { readonly bytes: number; readonly retransmits?: number } };
}

export const tcpFlow = (control: 'cubic' | 'bbr'): Flow => ({
  name: `tcp ${control}`,
  run: (link, options) => runIperf(link, options, ['--congestion', control]),
});

export const udpFlow: Flow = {
  name: 'udp',
  run: (link, options) => {
    const rate = Math.floor((link.profile.bitsPerSecond * UDP_PAYLOAD_BYTES) / 1500);
    return runIperf(link, options, ['--udp', '--length', String(UDP_PAYLOAD_BYTES), '--bitrate', String(rate)]);
  },
};

async function runIperf(
  link: EmulatedLink,
  { seconds, port, ready }: FlowOptions,
  kind: readonly string[],
): Promise<FlowResult> {
  const common = ['iperf3', '--port', String(port), '--interval', String(INTERVAL_SECONDS), '--json'];
  const serve = insideNamespace(link.b, [...common, '--server', '--one-off', '--bind', link.b.address]);
  const server = spawn(serve[0] ?? '', serve.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: seconds * 1000 + MARGIN_MS,
  });
  const said: Buffer[] = [];
  server.stdout.on('data', (part: Buffer) => said.push(part));
  const closed = once(server, 'close');
  await listens(link, port);
  await ready?.();
  const [command = '', ...rest] = insideNamespace(link.a, [...common, '--client', link.b.address, ...kind]);
  const sent = await runChecked(command, [...rest, '--time', String(seconds)], { limitMs: seconds * 1000 + MARGIN_MS });
  await closed;
  return resultOf(parse(sent), parse(Buffer.concat(said).toString()));
}

async function listens(link: EmulatedLink, port: number): Promise<void> {
  const [command = '', ...parameters] = insideNamespace(link.b, ['ss', '--no-header', '-ltn', `sport = :${port}`]);
  await waitFor(`iperf3 on port ${port}`, async () => (await runChecked(command, parameters)) !== '' || undefined);
}

function parse(text: string): IperfReport {
  // iperf3's documented --json output; what is read of it is checked here.
  const report = JSON.parse(text) as IperfReport;
  if (report.error !== undefined || !Array.isArray(report.intervals))
    throw new Error(`iperf3: ${report.error ?? text}`);
  return report;
}

function resultOf(sent: IperfReport, received: IperfReport): FlowResult {
  const samples = received.intervals.map(({ sum }) => ({ atSeconds: sum.end, bytes: sum.bytes }));
  return { samples, retransmitted: retransmittedShare(sent) };
}

function retransmittedShare({ end }: IperfReport): number | undefined {
  const { bytes = 0, retransmits } = end.sum_sent ?? {};
  return retransmits === undefined ? undefined : retransmits / Math.max(1, bytes / 1448);
}
