// What an endpoint is made of and what passes through it: injected parts, datagrams in and out, events.
import type { AeadSuite } from '../addon/native.ts';
import type { Random } from '../base/clock.ts';
import type { Nanoseconds } from '../base/units.ts';
import type { CongestionController } from './congestion-controller.ts';
import type { Connection } from './connection.ts';
import type { AeadFactory } from './packet-keys.ts';
import type { KeyPair } from './primitives.ts';
import type { RateLimit } from './rate-limit.ts';
import type { SocketAddress } from './socket-address.ts';

export interface EndpointOptions {
  readonly keyPair: KeyPair;
  readonly volumeId: Uint8Array;
  readonly volumeSecret: Uint8Array;
  readonly random: Random;
  /** Wall time, for the timestamps of initiations. */
  readonly wall: () => Nanoseconds;
  readonly createAead: AeadFactory;
  readonly suites: readonly AeadSuite[];
  /** Called for each authentic initiation with a fresh timestamp; `payload` is what the initiator gave to `connect`. */
  readonly authorize: (publicKey: Uint8Array, payload: Uint8Array) => 'accept' | 'refuse';
  /** Opaque bytes that go back with the answer. */
  readonly answerPayload?: (publicKey: Uint8Array) => Uint8Array;
  readonly createController?: () => CongestionController;
  /** Shared by all connections. */
  readonly rateLimit?: RateLimit;
  readonly ratchetPackets?: number;
}

/** As NativeUdpSocket gives them. */
export interface DatagramBatch {
  readonly bytes: Uint8Array;
  /** Flat [offset, length, source] triples. */
  readonly datagrams: Uint32Array;
  /** Microseconds since each arrived. */
  readonly ages: Uint32Array;
  readonly sources: readonly SocketAddress[];
}

export type EndpointEvent =
  | { readonly kind: 'connected'; readonly connection: Connection }
  /** The connection has other paths than before, or a path new keys. */
  | { readonly kind: 'paths'; readonly connection: Connection }
  /** `to`: where nobody answered; undefined when it was the peer that did not confirm. */
  | { readonly kind: 'unreachable'; readonly peer: Uint8Array; readonly to: SocketAddress | undefined };
