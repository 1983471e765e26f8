// Pursues the configured peers for ever: resolves their names, asks the endpoint for a path to each, and tries again
// later (peer-target.ts says when). A peer with several addresses has a target for each, and is to be reached at all.
import { lookup } from 'node:dns/promises';
import { SocketAddress as NodeSocketAddress } from 'node:net';
import type { Logger, Random } from '../base/clock.ts';
import type { Milliseconds } from '../base/units.ts';
import type { Connection } from '../transport/connection.ts';
import type { Endpoint } from '../transport/endpoint.ts';
import { hexOf } from '../transport/primitives.ts';
import type { SocketAddress } from '../transport/socket-address.ts';
import { type PeerAddress, PeerTarget } from './peer-target.ts';
import type { TransportStatus } from './transport-link.ts';

/** An attempt that ended without a word (its handshake crossed another) is made anew after this. */
const CONNECTING_MS_MAX = 20_000;
const NO_PAYLOAD = new Uint8Array(0);

export interface PeerPursuitOptions {
  readonly endpoint: Endpoint;
  readonly random: Random;
  readonly logger: Logger;
  readonly now: () => Milliseconds;
  /** Whether the socket reaches IPv6 addresses too. */
  readonly isDualStack: () => boolean;
  /** Something is to be sent. */
  readonly wake: () => void;
}

export class PeerPursuit {
  readonly #options: PeerPursuitOptions;
  readonly #targets = new Map<string, PeerTarget>();

  constructor(options: PeerPursuitOptions) {
    this.#options = options;
  }

  /** The same host and port again replaces the keys and the payload. */
  add(peer: PeerAddress): void {
    this.#targets.set(`${peer.host} ${peer.port}`, new PeerTarget(peer, this.#options.now()));
  }

  forget(peer: { readonly host: string; readonly port: number }): void {
    this.#targets.delete(`${peer.host} ${peer.port}`);
  }

  clear(): void {
    this.#targets.clear();
  }

  status(): TransportStatus['targets'] {
    const nowMs = this.#options.now();
    return [...this.#targets.values()].map((target) => ({
      host: target.address.host,
      port: target.address.port,
      state: target.state,
      attempts: target.attempts,
      nextAttemptInMs: target.isPending ? Math.max(0, target.attemptAt - nowMs) : 0,
      lastProblem: target.lastProblem,
    }));
  }

  /** When `pursue` has something to do. */
  get nextAt(): number {
    let nextAt = Number.POSITIVE_INFINITY;
    for (const target of this.#targets.values()) {
      if (target.isPending) nextAt = Math.min(nextAt, target.attemptAt);
      else if (target.state === 'connecting') nextAt = Math.min(nextAt, target.attemptAt + CONNECTING_MS_MAX);
    }
    return nextAt;
  }

  pursue(nowMs: number): void {
    for (const target of this.#targets.values()) {
      if (target.state === 'connecting' && nowMs >= target.attemptAt + CONNECTING_MS_MAX) this.#onNoAnswer(target);
      if (!target.isPending || nowMs < target.attemptAt) continue;
      if (this.#isReached(target)) target.onConnected();
      else if (target.address.publicKeys.length > 0) {
        target.state = 'resolving';
        void this.#attempt(target);
      } else target.onFailed('no member is known', this.#timing);
    }
  }

  /** A peer has a connection, or other paths: the targets that these reach are connected, what waits has its turn now. */
  onPaths(peer: Uint8Array): void {
    for (const target of this.#targetsOf(peer)) {
      if (this.#isReached(target)) target.onConnected();
      else if (target.state === 'connecting') target.onCrowdedOut(this.#timing);
      else if (target.state === 'connected') target.onLost('the path was lost', this.#options.now());
    }
  }

  /** `to`: where nobody answered, if an attempt of this node ended. */
  onUnreachable(peer: Uint8Array, to: SocketAddress | undefined): void {
    for (const target of this.#targetsOf(peer)) {
      if (target.state !== 'connecting') continue;
      if (to === undefined || target.isReachedAt(to)) this.#onNoAnswer(target);
      else target.onCrowdedOut(this.#timing);
    }
  }

  /** A connection ended, and no newer one replaced it. */
  onClosed(peer: Uint8Array): void {
    for (const target of this.#targetsOf(peer)) {
      const was = target.state === 'connected' || target.state === 'elsewhere';
      if (was && !this.#isReached(target)) target.onLost('the connection ended', this.#options.now());
    }
  }

  get #timing(): { nowMs: number; random: Random } {
    return { nowMs: this.#options.now(), random: this.#options.random };
  }

  #targetsOf(peer: Uint8Array): PeerTarget[] {
    const key = hexOf(peer);
    return [...this.#targets.values()].filter((target) =>
      target.address.publicKeys.some((publicKey) => hexOf(publicKey) === key),
    );
  }

  /** Whether a path leads to where the target is. */
  #isReached(target: PeerTarget): boolean {
    return this.#connectionsTo(target).some(({ paths }) =>
      paths.some(
        ({ remote, asked }) => target.isReachedAt(remote) || (asked !== undefined && target.isReachedAt(asked)),
      ),
    );
  }

  #connectionsTo({ address }: PeerTarget): Connection[] {
    const connections = address.publicKeys.map((publicKey) => this.#options.endpoint.connectionTo(publicKey));
    return connections.filter((connection) => connection !== undefined);
  }

  /** With one candidate key that is connected, the target is only one more way to a peer that is reached. */
  #onNoAnswer(target: PeerTarget): void {
    const isOtherWay = target.address.publicKeys.length === 1 && this.#connectionsTo(target).length > 0;
    if (isOtherWay) target.onElsewhere(this.#timing);
    else target.onFailed('no answer', this.#timing);
  }

  async #attempt(target: PeerTarget): Promise<void> {
    const { host, port, publicKeys, payload } = target.address;
    const addresses = await this.#resolve(host);
    if (target.state !== 'resolving' || this.#targets.get(`${host} ${port}`) !== target) return;
    const address = addresses[target.attempts % Math.max(1, addresses.length)];
    target.resolved = addresses;
    if (this.#isReached(target)) target.onConnected();
    else if (address === undefined) target.onFailed('the name does not resolve', this.#timing);
    else {
      target.state = 'connecting';
      for (const peer of publicKeys) {
        const request = { peer, to: { address, port }, payload: payload ?? NO_PAYLOAD };
        this.#options.endpoint.connect(request, this.#options.now());
      }
    }
    this.#options.wake();
  }

  /** Addresses that the socket can reach; none when the name does not resolve. */
  async #resolve(host: string): Promise<string[]> {
    try {
      const found = await lookup(host, { all: true, family: this.#options.isDualStack() ? 0 : 4 });
      return found.map(({ address, family }) => (family === 6 ? canonical(address) : address));
    } catch (cause) {
      this.#options.logger.debug({ host, reason: String(cause) }, 'peer name does not resolve');
      return [];
    }
  }
}

/** As the kernel writes it: what a user typed comes back from the resolver as it was. */
const canonical = (address: string): string =>
  address.includes('%') ? address : new NodeSocketAddress({ address, family: 'ipv6' }).address;
