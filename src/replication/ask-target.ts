// A link as those who ask see it, and the patience they have with it.
import type { AskReason } from '../wire/messages.ts';
import type { ReplicationContext } from './context.ts';
import type { LinkCounters } from './link-counters.ts';
import type { LogKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName, PositionRange } from './ports.ts';
import type { Stamp, Timeline } from './timeline.ts';

export interface AskTarget {
  /** Hex of the peer's key. */
  readonly peerKey: string;
  /** Connected, and has said where it stands. */
  readonly isReady: boolean;
  readonly view: PeerView;
  readonly counters: LinkCounters;
  readonly rttMs: number;
  /** When the last block came. */
  readonly lastBlock: Stamp;
  ask(ask: {
    readonly id: number;
    readonly log: LogName;
    readonly ranges: readonly PositionRange[];
    readonly reason: AskReason;
  }): void;
  askOperations(ask: { readonly id: number; readonly log: LogName; readonly from: bigint }): void;
}

/** When something of a log last arrived, a batch or a literal, from whomever. */
export class Arrivals {
  readonly #timeline: Timeline;
  readonly #stamps = new Map<LogKey, Stamp>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  arrived(key: LogKey): void {
    const stamp = this.#stamps.get(key);
    if (stamp) this.#timeline.touch(stamp);
    else this.#stamps.set(key, this.#timeline.stamp());
  }

  /** The shorter of the times since the last arrival and since `since`. */
  quietMs(key: LogKey, since: Stamp): number {
    const stamp = this.#stamps.get(key);
    const sinceMs = this.#timeline.elapsedMs(since);
    return stamp ? Math.min(this.#timeline.elapsedMs(stamp), sinceMs) : sinceMs;
  }
}

/** Without progress for this long, nothing is on its way. */
export const askPatienceMs = (context: ReplicationContext, rttMs: number): number =>
  Math.max(4 * rttMs, context.bounds.askPatienceMs);

/** Without progress for this long, an ask is lost on its target. */
export const answerPatienceMs = (context: ReplicationContext, rttMs: number): number =>
  Math.max(8 * rttMs, context.bounds.answerPatienceMs);

export const isOrigin = (target: AskTarget, log: LogName, key: LogKey): boolean =>
  key === `${target.peerKey}-${log.epoch}`;

/** Ids of asks, over all links. */
export class AskIds {
  #last = 0;
  next(): number {
    this.#last++;
    return this.#last;
  }
}
