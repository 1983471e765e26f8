// One end of a PacketFS transport flow, as a process of its own in a namespace of the lab, through the daemon's own
// driver, socket and keys:
//   packetfs-end receive ADDRESS PORT           prints "ready", and at the end of the connection what arrived, as JSON
//   packetfs-end send ADDRESS[,ADDRESS] PORT SECONDS BLOCK_BYTES bulk|fair [BYTES_PER_SECOND_MAX]
//                                               prints "ready" and waits for a line; then sends incompressible
//                                               blocks over as many paths, prints "begun" with the first, and at
//                                               the end what became of its packets, as JSON
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { MIB } from '../../src/base/units.ts';
import { systemClock } from '../../src/daemon/system.ts';
import type { TransportDriver } from '../../src/daemon/transport-driver.ts';
import type { TransportLink } from '../../src/daemon/transport-link.ts';
import type { CongestionProfile } from '../../src/transport/congestion-profiles.ts';
import { RateLimit } from '../../src/transport/rate-limit.ts';
import type { FlowSample } from './flow.ts';
import { createLabDriver, publicKeyOfRole } from './lab-driver.ts';

const SAMPLE_SECONDS = 0.1;
const CLOSE_MS = 500;

const seconds = (): number => systemClock.monotonic() / 1000;

/** Of this process so far, in user and kernel mode. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

function receive(address: string, port: number): void {
  const driver = createLabDriver('receive', { address, port });
  const samples: FlowSample[] = [];
  let startedAt = 0;
  let sampledAt = 0;
  let bytes = 0;
  const sample = (): void => {
    sampledAt = seconds();
    samples.push({ atSeconds: sampledAt - startedAt, bytes });
    bytes = 0;
  };
  driver.onLink((_link, register) => {
    startedAt = seconds();
    sampledAt = startedAt;
    register({
      onMessage: () => {},
      onBlock: (_header, body) => {
        bytes += body.length;
        if (seconds() - sampledAt >= SAMPLE_SECONDS) sample();
      },
      onDrain: () => {},
      onClosed: () => {
        sample();
        print({ samples, cpuSeconds: cpuSeconds() });
        driver.close();
        process.exit(0);
      },
    });
  });
  driver.start();
  process.stdout.write('ready\n');
}

interface SendOptions {
  readonly seconds: number;
  readonly blockBytes: number;
  readonly congestion: CongestionProfile;
  readonly bytesPerSecondMax: number | undefined;
}

async function send(target: { addresses: readonly string[]; port: number }, options: SendOptions): Promise<void> {
  const { congestion, bytesPerSecondMax } = options;
  const rateLimit = new RateLimit(bytesPerSecondMax === undefined ? undefined : bytesPerSecondMax / 1000);
  const driver = createLabDriver('send', { address: '0.0.0.0', port: 0 }, { congestion, rateLimit });
  const pool = randomFillSync(Buffer.alloc(options.blockBytes + MIB));
  const header = new Uint8Array(0);
  driver.onLink((link, register) => {
    let sent = 0;
    const fill = (): void => {
      while (link.unacknowledgedBytes < link.windowBytes) {
        // Another stretch of the pool each time: what is not acknowledged must not change.
        const from = (sent * 4096) % MIB;
        link.sendBlock(header, pool.subarray(from, from + options.blockBytes));
        sent += 1;
      }
    };
    register({ onMessage: () => {}, onBlock: () => {}, onDrain: fill, onClosed: () => {} });
    fill();
    process.stdout.write('begun\n');
    setTimeout(() => {
      for (const host of target.addresses) driver.forget({ host, port: target.port });
      finish(driver, link);
    }, options.seconds * 1000);
  });
  driver.start();
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  for (const host of target.addresses) {
    driver.connectTo({ host, port: target.port, publicKeys: [publicKeyOfRole('receive')] });
  }
}

function finish(driver: TransportDriver, link: TransportLink): void {
  const statistics = driver.status().links[0]?.statistics;
  print({ statistics, cpuSeconds: cpuSeconds() });
  link.close('done');
  setTimeout(() => {
    driver.close();
    process.exit(0);
  }, CLOSE_MS);
}

const [role, address = '', port = '', duration = '', blockBytes = '', profile, bytesPerSecondMax] =
  process.argv.slice(2);
if (role === 'receive') receive(address, Number(port));
else {
  await send(
    { addresses: address.split(','), port: Number(port) },
    {
      seconds: Number(duration),
      blockBytes: Number(blockBytes),
      congestion: profile === 'fair' ? 'fair' : 'bulk',
      bytesPerSecondMax: bytesPerSecondMax === undefined ? undefined : Number(bytesPerSecondMax),
    },
  );
}
