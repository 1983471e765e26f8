// What the transport driver needs and gives: its injected parts, the links it hands to the daemon, and its status.
import type { AeadSuite, NativeAead, NativeUdpSocket } from '../addon/native.ts';
import type { Clock, Logger, Random } from '../base/clock.ts';
import type { Milliseconds } from '../base/units.ts';
import type { CongestionProfile } from '../transport/congestion-profiles.ts';
import type { ConnectionStatistics } from '../transport/path-set.ts';
import type { RateLimit } from '../transport/rate-limit.ts';
import type { TargetState } from './peer-target.ts';

/** Structurally replication's PeerLink, with what the handshake said. */
export interface TransportLink {
  readonly peer: Uint8Array;
  /** The peer's opaque bytes from the handshake. */
  readonly payload: Uint8Array;
  /** Whether this node opened the connection. */
  readonly initiated: boolean;
  readonly unacknowledgedBytes: number;
  readonly unsentBytes: number;
  readonly windowBytes: number;
  readonly smoothedRtt: Milliseconds;
  readonly rateBytesPerMs: number;
  sendMessage(channel: 'control' | 'operations', bytes: Uint8Array): void;
  sendBlock(header: Uint8Array, body: Uint8Array): void;
  close(reason: string): void;
}

export interface TransportLinkEvents {
  onMessage(channel: 'control' | 'operations', bytes: Uint8Array): void;
  onBlock(header: Uint8Array, body: Uint8Array): void;
  onDrain(): void;
  onClosed(reason: string): void;
}

/** Until `register` is called the link's events wait, within the receive windows. */
export type LinkListener = (link: TransportLink, register: (events: TransportLinkEvents) => void) => void;

export interface TransportDriverOptions {
  readonly socket: NativeUdpSocket;
  readonly createAead: (suite: AeadSuite, key: Uint8Array) => NativeAead;
  /** NativeCapabilities.aesGcm. */
  readonly aesGcm: boolean;
  readonly listen: { readonly address: string; readonly port: number };
  /** 32-byte X25519 secret of this node. */
  readonly secretKey: Uint8Array;
  readonly volumeId: Uint8Array;
  readonly volumeSecret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly authorize: (publicKey: Uint8Array, payload: Uint8Array) => 'accept' | 'refuse';
  /** What this node sends with; `bulk` where it is not given. */
  readonly congestion?: CongestionProfile;
  /** Bounds what this node sends to all peers together. */
  readonly rateLimit?: RateLimit;
  readonly answerPayload?: (publicKey: Uint8Array) => Uint8Array;
}

export interface LinkStatus {
  readonly peer: Uint8Array;
  readonly address: string;
  readonly port: number;
  readonly initiated: boolean;
  readonly ageMs: number;
  readonly unacknowledgedBytes: number;
  readonly statistics: ConnectionStatistics;
}

export interface TargetStatus {
  readonly host: string;
  readonly port: number;
  readonly state: TargetState;
  readonly attempts: number;
  readonly nextAttemptInMs: number;
  readonly lastProblem: string | undefined;
}

export interface TransportStatus {
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  readonly links: readonly LinkStatus[];
  readonly targets: readonly TargetStatus[];
  /** Why datagrams were dropped, by name. */
  readonly counters: Readonly<Record<string, number>>;
  readonly socket: Readonly<Record<string, number>>;
}
