// One configured peer, as the driver pursues it: when to try next and where. Attempts repeat for ever, with a backoff
// that doubles from half a second to half a minute, jittered; for some minutes after a connection was lost it stays at
// a second, so that a link that returns is used at once.
import type { Random } from '../base/clock.ts';

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** While a connection was lost less than this ago, … */
const RECENTLY_LOST_MS = 5 * 60_000;
/** … the backoff is at most this. */
const BACKOFF_RECENTLY_LOST_MS = 1000;
/** Where a peer is connected already, its other addresses are tried so often at first, and later. */
const PATH_BACKOFF_MS_MIN = 30_000;
const PATH_BACKOFF_MS_MAX = 600_000;
const PATH_BACKOFF_RECENTLY_LOST_MS = 5000;

export interface PeerAddress {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Keys that may answer there: one when it is known whose machine it is, else every member's. */
  readonly publicKeys: readonly Uint8Array[];
  /** Opaque bytes for the peer's `authorize`. */
  readonly payload?: Uint8Array;
}

/** 'elsewhere': the peer is connected, but not by way of this address; it is tried as one more path now and then. */
export type TargetState = 'waiting' | 'resolving' | 'connecting' | 'connected' | 'elsewhere';

export class PeerTarget {
  readonly address: PeerAddress;
  state: TargetState = 'waiting';
  /** Attempts since the last connection. */
  attempts = 0;
  attemptAt: number;
  lastProblem: string | undefined;
  /** What the host resolved to last. */
  resolved: readonly string[] = [];
  #lostAt = Number.NEGATIVE_INFINITY;

  constructor(address: PeerAddress, nowMs: number) {
    this.address = address;
    this.attemptAt = nowMs;
  }

  /** An attempt is due at `attemptAt`. */
  get isPending(): boolean {
    return this.state === 'waiting' || this.state === 'elsewhere';
  }

  /** Whether that is where the target is. A known peer may have another port there; of several, each has its own. */
  isReachedAt({ address, port }: { readonly address: string; readonly port: number }): boolean {
    return this.resolved.includes(address) && (this.address.publicKeys.length === 1 || port === this.address.port);
  }

  /** Another handshake with the peer came first: its turn is now, or, where that happens again and again, later. */
  onCrowdedOut(options: { nowMs: number; random: Random }): void {
    this.state = 'waiting';
    this.attemptAt = options.nowMs + (this.attempts === 0 ? 0 : this.#backoffMs(options));
    this.attempts += 1;
  }

  /** The peer is connected, and does not answer here. */
  onElsewhere(options: { nowMs: number; random: Random }): void {
    const wasLost = options.nowMs - this.#lostAt < RECENTLY_LOST_MS;
    const ceiling = wasLost ? PATH_BACKOFF_RECENTLY_LOST_MS : PATH_BACKOFF_MS_MAX;
    const backoff = Math.min(PATH_BACKOFF_MS_MIN * 2 ** Math.min(this.attempts, 10), ceiling);
    this.state = 'elsewhere';
    this.lastProblem = undefined;
    this.attempts += 1;
    this.attemptAt = options.nowMs + backoff / 2 + options.random.below(backoff / 2);
  }

  onConnected(): void {
    this.state = 'connected';
    this.attempts = 0;
    this.lastProblem = undefined;
  }

  onLost(reason: string, nowMs: number): void {
    this.state = 'waiting';
    this.lastProblem = reason;
    this.attempts = 0;
    this.#lostAt = nowMs;
    this.attemptAt = nowMs;
  }

  onFailed(problem: string, options: { nowMs: number; random: Random }): void {
    this.state = 'waiting';
    this.lastProblem = problem;
    this.attemptAt = options.nowMs + this.#backoffMs(options);
    this.attempts += 1;
  }

  #backoffMs({ nowMs, random }: { nowMs: number; random: Random }): number {
    const ceiling = nowMs - this.#lostAt < RECENTLY_LOST_MS ? BACKOFF_RECENTLY_LOST_MS : BACKOFF_MS_MAX;
    const backoff = Math.min(BACKOFF_MS_MIN * 2 ** Math.min(this.attempts, 10), ceiling);
    return backoff / 2 + random.below(backoff / 2);
  }
}
