// One way between two peers: an address of the peer, and for it alone packet numbers, keys, loss recovery, a congestion
// controller, a datagram size. A connection has one or several; they share what there is to send and what was received.
// The numbers go on when a new handshake brings new keys; packets sealed with the old ones are opened for a while yet.
import type { CongestionController } from './congestion-controller.ts';
import {
  DEAD_PROBES,
  DEAD_SILENCE_MS,
  FAILING_PROBES,
  KEEPALIVE_ANSWERER_MS,
  KEEPALIVE_MS,
  KEYS_KEPT_MS,
  REKEY_MS,
  REKEY_RETRY_MS,
} from './constants.ts';
import type { IncomingData } from './incoming-data.ts';
import type { Acknowledgement } from './loss-recovery.ts';
import type { OutgoingData } from './outgoing-data.ts';
import type { PacketKeys } from './packet-keys.ts';
import type { RateLimit } from './rate-limit.ts';
import { ReceivedPackets } from './received-packets.ts';
import { Sender } from './sender.ts';
import { type SocketAddress, sameAddress, samePlace } from './socket-address.ts';
import type { TransmitBatch } from './transmit-batch.ts';

export interface PathOptions {
  readonly id: number;
  /** True on the side that sent the path's first initiation. */
  readonly initiated: boolean;
  readonly remote: SocketAddress;
  readonly keys: PacketKeys;
  readonly incoming: IncomingData;
  readonly outgoing: OutgoingData;
  readonly createController?: () => CongestionController;
  /** Shared by all paths of all connections. */
  readonly rateLimit?: RateLimit;
}

export interface PathStatistics {
  readonly remote: SocketAddress;
  /** The congestion controller's name. */
  readonly congestion: string;
  readonly smoothedRttMs: number;
  readonly minimumRttMs: number;
  readonly windowBytes: number;
  readonly pacingBytesPerMs: number;
  readonly datagramBytes: number;
  readonly bytesInFlight: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly spuriousLosses: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Two probe timeouts have passed without an answer. */
  readonly failing: boolean;
}

export class Path {
  readonly id: number;
  readonly initiated: boolean;
  remote: SocketAddress;
  /** Where this side asked for it; the peer may answer from elsewhere. */
  readonly asked: SocketAddress | undefined;
  readonly received = new ReceivedPackets();
  readonly sender: Sender;
  bytesReceived = 0;
  #oldKeys: PacketKeys | undefined;
  #oldKeysUntil = Number.POSITIVE_INFINITY;
  #rekeyAt: number;
  /** When an authentic packet last came. */
  heardAt: number;
  #silentSince: number | undefined; // first eliciting packet since the peer was heard
  /** It fails, and what it had in flight is with the other paths. */
  #handedOver = false;
  #dataAt = Number.NEGATIVE_INFINITY; // data last arrived

  constructor(options: PathOptions, nowMs: number) {
    this.id = options.id;
    this.initiated = options.initiated;
    this.remote = options.remote;
    this.asked = options.initiated ? options.remote : undefined;
    this.sender = new Sender({ ...options, received: this.received }, nowMs);
    this.heardAt = nowMs;
    this.#rekeyAt = nowMs + REKEY_MS;
  }

  get keys(): PacketKeys {
    return this.sender.keys;
  }

  /** It does not answer: others carry what it had, until it does. */
  get failing(): boolean {
    return this.sender.recovery.probeCount >= FAILING_PROBES;
  }

  get smoothedRttMs(): number {
    return this.sender.recovery.rtt.smoothedMs;
  }

  statistics(): PathStatistics {
    const { recovery, controller, size } = this.sender;
    return {
      remote: this.remote,
      congestion: controller.name,
      smoothedRttMs: recovery.rtt.smoothedMs,
      minimumRttMs: recovery.rtt.minimumMs,
      windowBytes: controller.windowBytes,
      pacingBytesPerMs: controller.pacingBytesPerMs,
      datagramBytes: size.current,
      bytesInFlight: recovery.bytesInFlight,
      packetsSent: this.sender.packetsSent,
      packetsLost: recovery.packetsLost,
      spuriousLosses: recovery.spuriousLosses,
      bytesSent: this.sender.bytesSent,
      bytesReceived: this.bytesReceived,
      failing: this.failing,
    };
  }

  // ---- keys ----------------------------------------------------------------------------------------------------------

  /** Whether a new handshake is due: the keys are old, and in use. Only the side that made the path asks. */
  rekeyIsDue(nowMs: number): boolean {
    const inUse = Math.max(this.#dataAt, this.sender.lastDataAt) > nowMs - REKEY_RETRY_MS;
    return this.initiated && inUse && nowMs >= this.#rekeyAt;
  }

  onRekeyBegun(nowMs: number): void {
    this.#rekeyAt = nowMs + REKEY_RETRY_MS;
  }

  /** New keys for what is sent from now on. */
  renewKeys(keys: PacketKeys, nowMs: number): void {
    this.#oldKeys?.destroy();
    this.#oldKeys = this.sender.keys;
    this.#oldKeysUntil = Number.POSITIVE_INFINITY;
    this.sender.keys = keys;
    this.#rekeyAt = nowMs + REKEY_MS;
  }

  /** An authentic packet under these keys came: if they are the new ones, the peer sends nothing with the old ones now. */
  onOpened(keys: PacketKeys, nowMs: number): void {
    if (keys !== this.keys || this.#oldKeys === undefined || this.#oldKeysUntil !== Number.POSITIVE_INFINITY) return;
    this.#oldKeysUntil = nowMs + KEYS_KEPT_MS;
  }

  destroyKeys(): void {
    this.#oldKeys?.destroy();
    this.keys.destroy();
  }

  // ---- packets in ----------------------------------------------------------------------------------------------------

  /** An authentic packet came, fresh or not. */
  onHeard(nowMs: number): void {
    this.heardAt = nowMs;
    this.#silentSince = undefined;
  }

  /** The newest authentic packet says where the peer is now; true when it moved. */
  follow(source: SocketAddress, nowMs: number): boolean {
    if (sameAddress(source, this.remote)) return false;
    const onlyFoundAgain = this.remote.local === undefined && samePlace(source, this.remote);
    this.remote = source;
    if (onlyFoundAgain) return false;
    this.sender.onPathChanged(nowMs);
    return true;
  }

  onData(nowMs: number): void {
    this.#dataAt = nowMs;
  }

  onAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): boolean {
    return this.sender.onAcknowledgement(acknowledgement, nowMs);
  }

  // ---- time and packets out ------------------------------------------------------------------------------------------

  pollTimeout(nowMs: number): number {
    const idle = this.sender.recovery.packetsInFlight === 0;
    return Math.min(
      this.sender.timeoutAt(nowMs),
      this.received.acknowledgeAt,
      this.#oldKeysUntil,
      idle ? this.#keepaliveAt : Number.POSITIVE_INFINITY,
    );
  }

  get #keepaliveAt(): number {
    const intervalMs = this.initiated ? KEEPALIVE_MS : KEEPALIVE_ANSWERER_MS;
    return Math.max(this.heardAt, this.sender.lastElicitingAt) + intervalMs;
  }

  /** 'dead' after a long silence. `alone`: there is no other path that could take over. */
  handleTimeout(nowMs: number, alone: boolean): 'alive' | 'dead' {
    if (nowMs >= this.#oldKeysUntil) {
      this.#oldKeys?.destroy();
      this.#oldKeys = undefined;
      this.#oldKeysUntil = Number.POSITIVE_INFINITY;
    }
    this.sender.onTimeout(nowMs);
    if (!this.failing) this.#handedOver = false;
    else this.#onFailing(alone);
    const { probeCount, packetsInFlight } = this.sender.recovery;
    const silenceMs = this.#silentSince === undefined ? 0 : nowMs - this.#silentSince;
    if (probeCount >= DEAD_PROBES && silenceMs >= DEAD_SILENCE_MS) return 'dead';
    if (packetsInFlight === 0 && nowMs >= this.#keepaliveAt) this.sender.requestPing();
    return 'alive';
  }

  #onFailing(alone: boolean): void {
    // The local address may be gone: from now on the kernel chooses, until the peer is heard again.
    if (this.remote.local !== undefined) this.remote = { address: this.remote.address, port: this.remote.port };
    // Alone it takes everything again, which is to be handed over when another answers.
    if (alone) this.#handedOver = false;
    if (alone || this.#handedOver) return;
    this.#handedOver = true;
    this.sender.giveUpInFlight();
  }

  transmit(batch: TransmitBatch, nowMs: number): void {
    this.sender.transmit(batch, nowMs);
    if (this.#silentSince === undefined && this.sender.lastElicitingAt > this.heardAt) {
      this.#silentSince = this.sender.lastElicitingAt;
    }
  }
}
