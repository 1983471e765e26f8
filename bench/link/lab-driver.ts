// The transport of a process in the lab: the daemon's own driver, socket and keys, for a pair that trusts each other.
// Nobody else knows it for longer than a measurement.
import { native } from '../../src/addon/addon.ts';
import { silentLogger } from '../../src/base/clock.ts';
import { systemClock, systemRandom } from '../../src/daemon/system.ts';
import { TransportDriver } from '../../src/daemon/transport-driver.ts';
import type { TransportDriverOptions } from '../../src/daemon/transport-link.ts';
import { keyPairOf } from '../../src/transport/primitives.ts';

export type LabRole = 'send' | 'receive';

const SECRETS: Readonly<Record<LabRole, Uint8Array>> = {
  send: new Uint8Array(32).fill(1),
  receive: new Uint8Array(32).fill(2),
};

export const publicKeyOfRole = (role: LabRole): Uint8Array => keyPairOf(SECRETS[role]).publicKey;

export const createLabDriver = (
  role: LabRole,
  listen: { readonly address: string; readonly port: number },
  changes: Partial<TransportDriverOptions> = {},
): TransportDriver =>
  new TransportDriver({
    socket: native.createUdpSocket(),
    createAead: native.createAead,
    aesGcm: native.capabilities().aesGcm,
    listen,
    secretKey: SECRETS[role],
    volumeId: new Uint8Array(16).fill(3),
    volumeSecret: new Uint8Array(32).fill(4),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    authorize: () => 'accept',
    ...changes,
  });
