// What a peer has announced on one link: its position and have-set of every log. Grows only; a new link starts anew.
import { type LogKey, logKey } from './log-name.ts';
import type { LogName, PositionRange } from './ports.ts';
import { RangeSet } from './range-set.ts';

export interface PeerLog {
  readonly log: LogName;
  applied: bigint;
  readonly held: RangeSet;
}

export class PeerView {
  /** The whole of it has come: comparing may start. */
  complete = false;
  readonly #logs = new Map<LogKey, PeerLog>();

  of(log: LogName): PeerLog {
    const key = logKey(log);
    const known = this.#logs.get(key);
    if (known) return known;
    const created: PeerLog = { log, applied: 0n, held: new RangeSet() };
    this.#logs.set(key, created);
    return created;
  }

  get(key: LogKey): PeerLog | undefined {
    return this.#logs.get(key);
  }

  all(): Iterable<PeerLog> {
    return this.#logs.values();
  }

  positions(): [LogKey, bigint][] {
    return [...this.#logs].map(([key, entry]) => [key, entry.applied]);
  }

  /** False when the peer went back, which no honest one does on a link. */
  announce(log: LogName, applied: bigint, held: readonly PositionRange[]): boolean {
    const entry = this.of(log);
    if (applied < entry.applied) return false;
    entry.applied = applied;
    for (const range of held) entry.held.add(range);
    return true;
  }
}
