// Where this node stands in every log: the volume's answer, kept between commits and extended by each stored literal,
// so that no message or block asks the volume again.
import { hexOf, type LogKey, logKey, sameBytes } from './log-name.ts';
import type { LogName, PositionRange, VolumePort } from './ports.ts';
import { RangeSet } from './range-set.ts';

export interface LocalLog {
  readonly log: LogName;
  readonly key: LogKey;
  readonly own: boolean;
  applied: bigint;
  held: RangeSet;
}

export class LocalLogs {
  readonly #volume: VolumePort;
  readonly #logs = new Map<LogKey, LocalLog>();

  constructor(volume: VolumePort) {
    this.#volume = volume;
    this.refresh();
  }

  /** Reads the volume's positions anew: after each commit. */
  refresh(): void {
    for (const state of this.#volume.logs()) {
      const entry = this.of(state.log);
      entry.applied = state.applied;
      entry.held = RangeSet.of(state.held);
    }
  }

  of(log: LogName): LocalLog {
    const key = logKey(log);
    const known = this.#logs.get(key);
    if (known) return known;
    const own = sameBytes(log.node, this.#volume.node);
    const created: LocalLog = { log, key, own, applied: 0n, held: new RangeSet() };
    this.#logs.set(key, created);
    return created;
  }

  stored(log: LogName, range: PositionRange): void {
    this.of(log).held.add(range);
  }

  all(): Iterable<LocalLog> {
    return this.#logs.values();
  }

  /** This node's own logs, oldest epoch first. */
  own(): LocalLog[] {
    return [...this.#logs.values()]
      .filter((entry) => entry.own)
      .sort((left, right) => left.log.epoch - right.log.epoch);
  }

  /** The log that this node appends to: only it may add to this one. */
  isCurrent(key: LogKey): boolean {
    return this.own().at(-1)?.key === key;
  }

  get node(): string {
    return hexOf(this.#volume.node);
  }
}
