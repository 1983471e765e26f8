// One end of a transfer over real sockets, as a child process: `node transport-transfer.ts send|receive`. The receiver
// prints its port; the sender gets it as an argument, sends blocks and prints what it measured.
import { performance } from 'node:perf_hooks';
import { native } from '../../src/addon/addon.ts';
import { silentLogger } from '../../src/base/clock.ts';
import { MIB, milliseconds, nanoseconds } from '../../src/base/units.ts';
import { TransportDriver } from '../../src/daemon/transport-driver.ts';
import type { TransportLink } from '../../src/daemon/transport-link.ts';
import { keyPairOf } from '../../src/transport/primitives.ts';
import { seededRandom } from './seeded-random.ts';

const SECRETS = { send: new Uint8Array(32).fill(1), receive: new Uint8Array(32).fill(2) };

const createDriver = (role: 'send' | 'receive'): TransportDriver =>
  new TransportDriver({
    socket: native.createUdpSocket(),
    createAead: native.createAead,
    aesGcm: native.capabilities().aesGcm,
    listen: { address: '127.0.0.1', port: 0 },
    secretKey: SECRETS[role],
    volumeId: new Uint8Array(16).fill(3),
    volumeSecret: new Uint8Array(32).fill(4),
    clock: {
      monotonic: () => milliseconds(performance.now()),
      wall: () => nanoseconds(BigInt(Date.now()) * 1_000_000n),
    },
    random: seededRandom(process.pid),
    logger: silentLogger,
    authorize: () => 'accept',
  });

const receive = (): void => {
  const driver = createDriver('receive');
  let blocks = 0;
  let wrong = 0;
  driver.onLink((link, register) => {
    register({
      onMessage: () => {
        const usage = process.cpuUsage();
        const answer = { blocks, wrong, cpuMs: (usage.user + usage.system) / 1000, status: driver.status() };
        link.sendMessage('control', Buffer.from(JSON.stringify(answer, (key, value) => (key === 'peer' ? '' : value))));
      },
      onBlock: (header, body) => {
        const number = new DataView(header.buffer, header.byteOffset).getUint32(0, true);
        if (body[0] !== (number & 0xff) || body[body.length - 1] !== ((number * 3) & 0xff)) wrong += 1;
        blocks += 1;
      },
      onDrain: () => {},
      onClosed: () => {
        driver.close();
        process.exit(0);
      },
    });
  });
  console.log(driver.start().port);
};

const sendBlocks = (link: TransportLink, state: { next: number; count: number; blockBytes: number }): void => {
  while (state.next < state.count && link.unacknowledgedBytes < 24 * MIB) {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, state.next, true);
    const body = Buffer.alloc(state.blockBytes, 0x5a);
    body[0] = state.next & 0xff;
    body[body.length - 1] = (state.next * 3) & 0xff;
    link.sendBlock(header, body);
    state.next += 1;
  }
};

const send = (port: number, totalBytes: number): void => {
  const driver = createDriver('send');
  const state = { next: 0, count: Math.round(totalBytes / MIB), blockBytes: MIB };
  driver.onLink((link, register) => {
    const startedAt = performance.now();
    const startUsage = process.cpuUsage();
    let asked = false;
    const goOn = (): void => {
      sendBlocks(link, state);
      if (asked || state.next < state.count || link.unacknowledgedBytes > 0) return;
      asked = true;
      link.sendMessage('control', Buffer.from('report'));
    };
    register({
      onMessage: (_channel, bytes) => {
        const elapsedMs = performance.now() - startedAt;
        const usage = process.cpuUsage(startUsage);
        const received: unknown = JSON.parse(Buffer.from(bytes).toString());
        const sent = driver.status();
        console.log(
          JSON.stringify(
            {
              megabytesPerSecond: (state.count * MIB) / 1e6 / (elapsedMs / 1000),
              elapsedMs,
              cpuMs: (usage.user + usage.system) / 1000,
              received,
              sent,
            },
            (key, value) => (key === 'peer' ? '' : value),
          ),
        );
        link.close('done');
        setTimeout(() => {
          driver.close();
          process.exit(0);
        }, 50);
      },
      onBlock: () => {},
      onDrain: goOn,
      onClosed: () => {},
    });
    goOn();
  });
  driver.start();
  driver.connectTo({ host: '127.0.0.1', port, publicKeys: [keyPairOf(SECRETS.receive).publicKey] });
};

const [role, port = '0', totalBytes = '0'] = process.argv.slice(2);
if (role === 'receive') receive();
else send(Number(port), Number(totalBytes));
