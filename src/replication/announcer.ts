// Tells one peer where this node stands: everything at the start, then what changed since the last telling; at once
// after a commit, and at most every POSITIONS_DELAY_MAX_MS while literals stream in.
import type { ControlMessage, WireLogPositions } from '../wire/messages.ts';
import type { ReplicationContext } from './context.ts';
import type { LocalLog } from './local-logs.ts';
import type { LogKey } from './log-name.ts';
import type { LogTable } from './log-table.ts';
import type { PositionRange } from './ports.ts';
import { RangeSet } from './range-set.ts';
import type { Stamp } from './timeline.ts';

export interface AnnouncerOptions {
  readonly context: ReplicationContext;
  readonly logs: LogTable;
  readonly send: (message: ControlMessage) => void;
}

interface Announced {
  applied: bigint;
  readonly held: RangeSet;
}

export class Announcer {
  readonly #context: ReplicationContext;
  readonly #logs: LogTable;
  readonly #sendMessage: (message: ControlMessage) => void;
  readonly #announced = new Map<LogKey, Announced>();
  /** Something is to be told since then. */
  #since: Stamp | undefined;
  #confirmed = 0;
  #seeded = false;

  constructor(options: AnnouncerOptions) {
    this.#context = options.context;
    this.#logs = options.logs;
    this.#sendMessage = options.send;
  }

  /** Their log indices confirmed so far. */
  get confirmed(): number {
    return this.#confirmed;
  }

  announceAll(): void {
    this.#tell(true);
  }

  announce(): void {
    this.#tell(false);
  }

  soon(): void {
    this.#since ??= this.#context.timeline.stamp();
  }

  /** The peer was told otherwise that these are held. */
  told(key: LogKey, held: readonly PositionRange[]): void {
    const announced = this.#announced.get(key) ?? { applied: 0n, held: new RangeSet() };
    this.#announced.set(key, announced);
    for (const range of held) announced.held.add(range);
  }

  /** What is asked for is announced again when it is here. */
  forget(key: LogKey, ranges: Iterable<PositionRange>): void {
    const held = this.#announced.get(key)?.held;
    if (held) for (const range of ranges) held.remove(range);
  }

  tick(): void {
    const dueAt = this.dueAt();
    if (dueAt !== undefined && this.#context.timeline.now >= dueAt) this.announce();
  }

  dueAt(): number | undefined {
    if (!this.#since) return undefined;
    return (this.#since.at ?? this.#context.timeline.now) + this.#context.bounds.positionsDelayMs;
  }

  #tell(complete: boolean): void {
    this.#since = undefined;
    let logs: WireLogPositions[] = [];
    let room = this.#context.bounds.positionRangesMax;
    for (const log of this.#context.local.all()) {
      for (const part of this.#news(log)) {
        if (logs.length > 0 && part.held.length > room) {
          this.#send(logs, false);
          logs = [];
          room = this.#context.bounds.positionRangesMax;
        }
        logs.push(part);
        room -= part.held.length;
      }
    }
    const isNews = this.#logs.learned > this.#confirmed || this.#context.volume.hasSeeds() !== this.#seeded;
    if (complete || logs.length > 0 || isNews) this.#send(logs, complete);
  }

  /** What changed in a log, in parts that fit a message. */
  #news(log: LocalLog): WireLogPositions[] {
    const announced = this.#announced.get(log.key) ?? { applied: 0n, held: new RangeSet() };
    const news = log.held.without(announced.held);
    if (news.isEmpty && log.applied === announced.applied) return [];
    this.#announced.set(log.key, announced);
    announced.applied = log.applied;
    announced.held.addAll(news);
    const ranges = news.ranges();
    const parts: WireLogPositions[] = [];
    do {
      const held: PositionRange[] = ranges.splice(0, this.#context.bounds.positionRangesMax);
      parts.push({ log: this.#logs.reference(log.log), applied: log.applied, held });
    } while (ranges.length > 0);
    return parts;
  }

  #send(logs: readonly WireLogPositions[], complete: boolean): void {
    this.#confirmed = this.#logs.learned;
    this.#seeded = this.#context.volume.hasSeeds();
    this.#sendMessage({ kind: 'positions', logs, confirmedLogs: this.#confirmed, complete, seeded: this.#seeded });
  }
}
