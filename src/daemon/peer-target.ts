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

export interface PeerAddress {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Keys that may answer there: one when it is known whose machine it is, else every member's. */
  readonly publicKeys: readonly Uint8Array[];
  /** Opaque bytes for the peer's `authorize`. */
  readonly payload?: Uint8Array;
}

export type TargetState = 'waiting' | 'resolving' | 'connecting' | 'connected';

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

  /**
   * Whether a connection with one of the keys is to this target. With several keys it may be to another member, reached
   * elsewhere: then the address decides.
   */
  isReachedAt(address: string): boolean {
    return this.address.publicKeys.length === 1 || this.resolved.includes(address);
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
    const { nowMs, random } = options;
    const ceiling = nowMs - this.#lostAt < RECENTLY_LOST_MS ? BACKOFF_RECENTLY_LOST_MS : BACKOFF_MS_MAX;
    const backoff = Math.min(BACKOFF_MS_MIN * 2 ** Math.min(this.attempts, 10), ceiling);
    this.state = 'waiting';
    this.lastProblem = problem;
    this.attempts += 1;
    this.attemptAt = nowMs + backoff / 2 + random.below(backoff / 2);
  }
}
