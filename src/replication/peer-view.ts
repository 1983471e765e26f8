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
  /** It takes recipes. */
  recipes = false;
  /** It has files that recipes may be filled from. */
  seeded = false;
  readonly #logs = new Map<LogKey, PeerLog>();
  /** Of all logs, as they were announced. */
  #rangeCount = 0;

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

  /** Bytes that the peer holds and that are not among these. */
  bytesBeyond(heldHere: (log: LogName) => RangeSet): number {
    return [...this.#logs.values()].reduce((sum, { log, held }) => sum + held.without(heldHere(log)).bytes, 0);
  }

  /** As announce, of a log whose position stays. */
  announceMore(log: LogName, held: readonly PositionRange[], rangesMax: number): string | undefined {
    return this.announce({ log, applied: this.of(log).applied, held, rangesMax });
  }

  /** What no honest peer announces on a link, if this is that: the view stays as it was. */
  announce(positions: {
    readonly log: LogName;
    readonly applied: bigint;
    readonly held: readonly PositionRange[];
    readonly rangesMax: number;
  }): string | undefined {
    const entry = this.of(positions.log);
    if (positions.applied < entry.applied) return 'a position went back';
    const others = this.#rangeCount - entry.held.rangeCount;
    if (others + entry.held.rangeCount + positions.held.length > positions.rangesMax)
      return 'a have-set of too many ranges';
    entry.applied = positions.applied;
    for (const range of positions.held) entry.held.add(range);
    this.#rangeCount = others + entry.held.rangeCount;
    return undefined;
  }
}
