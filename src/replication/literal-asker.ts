// Asks for bytes: what a batch refers to and nothing brings, what is held but does not match its check, what could not
// be stored when it came, and what scrub wants to repair. Each ask goes to one peer that should have the bytes; one
// that cannot or does not answer is followed by the next, and after all of them by a pause.
import { ASK_RANGES_MAX, ASKS_OUTSTANDING_MAX, LITERAL_REJECTIONS_MAX } from '../base/limits.ts';
import type { AskReason } from '../wire/messages.ts';
import type { Applier } from './applier.ts';
import { type Arrivals, type AskIds, type AskTarget, answerPatienceMs, askPatienceMs, isOrigin } from './ask-target.ts';
import { type ReplicationContext, retryDelayMs } from './context.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { OperationAsker } from './operation-asker.ts';
import type { OperationQueue } from './operation-queue.ts';
import type { LogName, PositionRange } from './ports.ts';
import { RangeSet } from './range-set.ts';
import type { Stamp } from './timeline.ts';

interface RangeAsk {
  readonly id: number;
  readonly target: AskTarget;
  readonly log: LogName;
  readonly key: LogKey;
  readonly remaining: RangeSet;
  readonly reason: AskReason;
  readonly fetch: Fetch | undefined;
  readonly since: Stamp;
}

interface Fetch {
  readonly log: LogName;
  readonly key: LogKey;
  readonly range: PositionRange;
  readonly tried: Set<AskTarget>;
  asking: boolean;
  readonly resolve: (frame: Uint8Array | undefined) => void;
}

interface Rejection {
  readonly target: AskTarget;
  readonly log: LogName;
  readonly key: LogKey;
  readonly range: PositionRange;
  readonly failures: number;
  readonly since: Stamp;
}

export interface LiteralAskerOptions {
  readonly context: ReplicationContext;
  readonly applier: Applier;
  readonly operations: OperationAsker;
  readonly arrivals: Arrivals;
  readonly ids: AskIds;
  /** Has come and waits to be stored. */
  readonly isOnItsWay: (key: LogKey, range: PositionRange) => boolean;
}

export class LiteralAsker {
  readonly #options: LiteralAskerOptions;
  readonly #context: ReplicationContext;
  readonly #asks = new Map<number, RangeAsk>();
  readonly #fetches = new Set<Fetch>();
  /** Oldest first. Of too many the oldest are forgotten: what a batch refers to is asked for as missing then. */
  #rejections: Rejection[] = [];
  /** How often a literal came to nothing, by where it begins; likewise. */
  readonly #failures = new Map<string, number>();
  /** What a peer said it does not have, or never sent. */
  readonly #refused = new Map<AskTarget, Map<LogKey, RangeSet>>();
  readonly #exhausted = new Map<LogKey, Stamp>();

  constructor(options: LiteralAskerOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  get isWanting(): boolean {
    return this.#asks.size > 0 || this.#fetches.size > 0 || this.#rejections.length > 0;
  }

  get outstanding(): number {
    return this.#asks.size;
  }

  get rejected(): number {
    return this.#rejections.length;
  }

  plan(targets: readonly AskTarget[]): void {
    this.#expire();
    this.#askRejected();
    for (const queue of this.#options.applier.queues) this.#askMissing(queue, targets);
    for (const fetch of this.#fetches) this.#pursueFetch(fetch, targets);
  }

  fetch(log: LogName, range: PositionRange): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#fetches.add({ log, key: logKey(log), range, tried: new Set(), asking: false, resolve });
    });
  }

  /** What a block that answers an ask is for. */
  answered(target: AskTarget, id: number, frame: Uint8Array): 'store' | 'repair' | 'taken' {
    const ask = this.#asks.get(id);
    if (!ask || ask.target !== target) return 'store';
    if (!ask.fetch) return ask.reason === 'repair' ? 'repair' : 'store';
    this.#asks.delete(id);
    this.#fetches.delete(ask.fetch);
    ask.fetch.resolve(frame);
    return 'taken';
  }

  stored(key: LogKey, range: PositionRange, repaired: boolean): void {
    for (const ask of this.#asks.values()) {
      if (ask.key !== key || ask.fetch || (ask.reason === 'repair' && !repaired)) continue;
      ask.remaining.remove(range);
      if (ask.remaining.isEmpty) this.#asks.delete(ask.id);
    }
    if (this.#failures.size > 0) this.#failures.delete(`${key}:${range.start}`);
  }

  cameToNothing(target: AskTarget, log: LogName, range: PositionRange): void {
    const key = logKey(log);
    const name = `${key}:${range.start}`;
    const failures = (this.#failures.get(name) ?? 0) + 1;
    this.#failures.delete(name);
    this.#failures.set(name, failures);
    this.#rejections.push({ target, log, key, range, failures, since: this.#context.timeline.stamp() });
    if (this.#rejections.length > LITERAL_REJECTIONS_MAX) this.#rejections.shift();
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > LITERAL_REJECTIONS_MAX && oldest !== undefined) this.#failures.delete(oldest);
  }

  unavailable(target: AskTarget, id: number, ranges: readonly PositionRange[]): void {
    const ask = this.#asks.get(id);
    if (!ask || ask.target !== target) return;
    const gone = RangeSet.of(ranges);
    this.#refuse(ask, gone);
    ask.remaining.removeAll(gone);
    if (ask.remaining.isEmpty || ask.fetch) this.#drop(ask);
  }

  closed(target: AskTarget): void {
    for (const ask of [...this.#asks.values()]) if (ask.target === target) this.#drop(ask);
    this.#rejections = this.#rejections.filter((rejection) => rejection.target !== target);
    this.#refused.delete(target);
  }

  close(): void {
    for (const fetch of this.#fetches) fetch.resolve(undefined);
    this.#fetches.clear();
    this.#asks.clear();
    this.#rejections = [];
  }

  // ---- what is over --------------------------------------------------------------------------------------------------

  #expire(): void {
    for (const ask of [...this.#asks.values()]) {
      const quietMs = Math.min(
        this.#options.arrivals.quietMs(ask.key, ask.since),
        this.#context.timeline.elapsedMs(ask.target.lastBlock),
      );
      if (quietMs < answerPatienceMs(this.#context, ask.target.rttMs)) continue;
      ask.target.counters.asksTimedOut++;
      this.#refuse(ask, ask.remaining);
      this.#drop(ask);
    }
  }

  #refuse(ask: RangeAsk, ranges: RangeSet): void {
    const byLog = this.#refused.get(ask.target) ?? new Map<LogKey, RangeSet>();
    this.#refused.set(ask.target, byLog);
    const known = byLog.get(ask.key) ?? new RangeSet();
    byLog.set(ask.key, known);
    known.addAll(ranges);
  }

  #drop(ask: RangeAsk): void {
    this.#asks.delete(ask.id);
    if (!ask.fetch) return;
    ask.fetch.asking = false;
    ask.fetch.tried.add(ask.target);
  }

  // ---- what is wanted ------------------------------------------------------------------------------------------------

  #askRejected(): void {
    const due = this.#rejections.filter(
      (rejection) =>
        this.#context.timeline.elapsedMs(rejection.since) >= retryDelayMs(this.#context.bounds, rejection.failures),
    );
    if (due.length === 0) return;
    this.#rejections = this.#rejections.filter((rejection) => !due.includes(rejection));
    for (const { target, log, key, range } of due) {
      if (!target.isReady || this.#context.local.of(log).held.covers(range)) continue;
      this.#send({ target, log, key, ranges: RangeSet.of([range]), reason: 'rejected', fetch: undefined });
    }
  }

  #askMissing(queue: OperationQueue, targets: readonly AskTarget[]): void {
    const { blocked } = queue;
    if (blocked?.kind !== 'missing') return;
    const { key, log } = blocked;
    // Bytes of this node's own log come back only as a repair.
    const reason = blocked.mismatch || this.#context.local.isCurrent(key) ? 'repair' : 'missing';
    const wanted = blocked.remaining.clone();
    for (const ask of this.#asks.values()) if (ask.key === key && !ask.fetch) wanted.removeAll(ask.remaining);
    if (wanted.isEmpty) return;
    if (!blocked.mismatch && !this.#nothingComes(log, key, blocked.since, targets)) return;
    for (const range of wanted.ranges()) if (this.#options.isOnItsWay(key, range)) wanted.remove(range);
    for (const target of this.#able(queue, targets)) {
      const ranges = this.#offered(target, { log, key }, wanted);
      if (ranges.isEmpty) continue;
      this.#exhausted.delete(key);
      this.#send({ target, log, key, ranges, reason, fetch: undefined });
      wanted.removeAll(ranges);
    }
    if (!wanted.isEmpty) this.#pause(key);
  }

  /** No literal of the log is expected, or none has come for a while. */
  #nothingComes(log: LogName, key: LogKey, since: Stamp, targets: readonly AskTarget[]): boolean {
    const origin = targets.find((target) => isOrigin(target, log, key));
    const isExpected = origin !== undefined || this.#options.operations.isAsking(key);
    if (!isExpected) return true;
    const rttMs = origin?.rttMs ?? Math.max(0, ...targets.map((target) => target.rttMs));
    return this.#options.arrivals.quietMs(key, since) >= askPatienceMs(this.#context, rttMs);
  }

  /** Peers that may have the bytes: the origin, then the nearest. */
  #able(queue: OperationQueue, targets: readonly AskTarget[]): AskTarget[] {
    const { blocked } = queue;
    if (blocked?.kind !== 'missing') return [];
    const rank = (target: AskTarget): number => (isOrigin(target, blocked.log, blocked.key) ? 0 : 1);
    return targets
      .filter((target) => target.isReady)
      .sort((left, right) => rank(left) - rank(right) || left.rttMs - right.rttMs);
  }

  /** What to ask of this peer: what it announced (all, of the origin), without what it refused. */
  #offered(target: AskTarget, log: { readonly log: LogName; readonly key: LogKey }, wanted: RangeSet): RangeSet {
    const held = target.view.get(log.key)?.held ?? new RangeSet();
    const offered = isOrigin(target, log.log, log.key) ? wanted.clone() : wanted.intersection(held);
    const refused = this.#refused.get(target)?.get(log.key);
    if (refused) offered.removeAll(refused);
    return offered.rangeCount <= ASK_RANGES_MAX ? offered : RangeSet.of(offered.ranges().slice(0, ASK_RANGES_MAX));
  }

  /** Nobody has it: after a pause, all are asked again. */
  #pause(key: LogKey): void {
    const since = this.#exhausted.get(key) ?? this.#context.timeline.stamp();
    this.#exhausted.set(key, since);
    if (this.#context.timeline.elapsedMs(since) < this.#context.bounds.retryDelayMinMs) return;
    this.#exhausted.delete(key);
    for (const byLog of this.#refused.values()) byLog.delete(key);
  }

  #pursueFetch(fetch: Fetch, targets: readonly AskTarget[]): void {
    if (fetch.asking) return;
    const able = targets.filter((target) => {
      if (!target.isReady || fetch.tried.has(target)) return false;
      return (
        isOrigin(target, fetch.log, fetch.key) || (target.view.get(fetch.key)?.held.intersects(fetch.range) ?? false)
      );
    });
    able.sort((left, right) => left.rttMs - right.rttMs);
    const target = able[0];
    if (target) {
      const ranges = RangeSet.of([fetch.range]);
      fetch.asking = this.#send({ target, log: fetch.log, key: fetch.key, ranges, reason: 'repair', fetch });
      return;
    }
    this.#fetches.delete(fetch);
    fetch.resolve(undefined);
  }

  #send(
    options: Pick<RangeAsk, 'target' | 'log' | 'key' | 'reason' | 'fetch'> & { readonly ranges: RangeSet },
  ): boolean {
    const { target, log, key, ranges, reason, fetch } = options;
    if (this.#asks.size >= ASKS_OUTSTANDING_MAX) return false;
    const id = this.#options.ids.next();
    const since = this.#context.timeline.stamp();
    this.#asks.set(id, { id, target, log, key, remaining: ranges.clone(), reason, fetch, since });
    target.counters.asksSent++;
    target.ask({ id, log, ranges: ranges.ranges(), reason });
    return true;
  }
}
