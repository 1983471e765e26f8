// Asks for operations that a peer has and this node does not get by itself: of a log whose origin is not connected,
// that lags behind another peer's announcement, or whose batches were dropped at the bound. One ask per log at a time,
// one peer after the other; so nodes in a line converge, and a dead node's operations still spread.
import type { Applier } from './applier.ts';
import { type Arrivals, type AskIds, type AskTarget, answerPatienceMs, isOrigin } from './ask-target.ts';
import type { ReplicationContext } from './context.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogName } from './ports.ts';
import type { Stamp } from './timeline.ts';

interface OutstandingAsk {
  readonly id: number;
  readonly target: AskTarget;
  readonly goal: bigint;
  readonly since: Stamp;
}

interface Want {
  readonly log: LogName;
  readonly key: LogKey;
  readonly since: Stamp;
  goal: bigint;
  ask: OutstandingAsk | undefined;
  /** Asked in vain; all get another chance after a pause. */
  readonly tried: Set<AskTarget>;
  exhausted: Stamp | undefined;
}

export interface OperationAskerOptions {
  readonly context: ReplicationContext;
  readonly applier: Applier;
  readonly arrivals: Arrivals;
  readonly ids: AskIds;
}

export class OperationAsker {
  readonly #context: ReplicationContext;
  readonly #applier: Applier;
  readonly #arrivals: Arrivals;
  readonly #ids: AskIds;
  readonly #wants = new Map<LogKey, Want>();

  constructor(options: OperationAskerOptions) {
    this.#context = options.context;
    this.#applier = options.applier;
    this.#arrivals = options.arrivals;
    this.#ids = options.ids;
  }

  get isWanting(): boolean {
    return this.#wants.size > 0;
  }

  /** Operations of this log have been asked for, and their literals with them. */
  isAsking(key: LogKey): boolean {
    return this.#wants.get(key)?.ask !== undefined;
  }

  /** What is asked for or waited for, per log, for the status. */
  goalOf(key: LogKey): bigint | undefined {
    return this.#wants.get(key)?.goal;
  }

  plan(targets: readonly AskTarget[]): void {
    if (this.#context.mode === 'send-only') return;
    this.#findWants(targets);
    for (const want of this.#wants.values()) {
      if (this.#applier.reached(want.log) >= want.goal) this.#wants.delete(want.key);
      else this.#pursue(want, targets);
    }
  }

  /** True when the id was of such an ask. */
  unavailable(target: AskTarget, id: number): boolean {
    for (const want of this.#wants.values()) {
      if (want.ask?.id !== id || want.ask.target !== target) continue;
      want.tried.add(target);
      want.ask = undefined;
      return true;
    }
    return false;
  }

  #findWants(targets: readonly AskTarget[]): void {
    for (const target of targets) {
      for (const entry of target.view.all()) this.#want(entry.log, entry.applied);
    }
    for (const queue of this.#applier.queues) {
      if (queue.blocked?.kind === 'waiting') this.#want(queue.blocked.log, queue.blocked.sequence);
      const last = queue.batches.at(-1);
      if (last) this.#want(queue.log, last.lastSequence);
    }
  }

  #want(log: LogName, goal: bigint): void {
    if (goal <= this.#applier.reached(log)) return;
    const key = logKey(log);
    if (this.#context.local.isCurrent(key)) return;
    const known = this.#wants.get(key);
    if (known) {
      if (goal > known.goal) known.goal = goal;
      return;
    }
    const since = this.#context.timeline.stamp();
    this.#wants.set(key, { log, key, since, goal, ask: undefined, tried: new Set(), exhausted: undefined });
  }

  #pursue(want: Want, targets: readonly AskTarget[]): void {
    if (want.ask && !this.#isOver(want, want.ask)) return;
    want.ask = undefined;
    const origin = targets.find((target) => isOrigin(target, want.log, want.key));
    if (!this.#isTime(want, origin)) return;
    const target = this.#choose(want, targets, origin);
    if (!target) {
      this.#pause(want);
      return;
    }
    want.exhausted = undefined;
    const from = this.#applier.reached(want.log) + 1n;
    const goal = target.view.of(want.log).applied;
    want.ask = { id: this.#ids.next(), target, goal, since: this.#context.timeline.stamp() };
    this.#applier.queueOf(want.log).dropped = false;
    target.counters.operationAsksSent++;
    target.askOperations({ id: want.ask.id, log: want.log, from });
  }

  #isOver(want: Want, ask: OutstandingAsk): boolean {
    if (!ask.target.isReady || this.#applier.reached(want.log) >= ask.goal) return true;
    if (this.#applier.queueOf(want.log).dropped && this.#applier.hasRoom) return true;
    if (this.#arrivals.quietMs(want.key, ask.since) < answerPatienceMs(this.#context, ask.target.rttMs)) return false;
    ask.target.counters.asksTimedOut++;
    want.tried.add(ask.target);
    return true;
  }

  #isTime(want: Want, origin: AskTarget | undefined): boolean {
    const queue = this.#applier.queueOf(want.log);
    const isNextHere = this.#applier.reached(want.log) > this.#context.local.of(want.log).applied;
    if (isNextHere && !this.#applier.hasRoom) return false;
    if (origin === undefined || queue.dropped) return true;
    return this.#arrivals.quietMs(want.key, want.since) >= this.#context.bounds.logLagMs;
  }

  /** Others before the origin (it would have sent them), the nearest first. */
  #choose(want: Want, targets: readonly AskTarget[], origin: AskTarget | undefined): AskTarget | undefined {
    const reached = this.#applier.reached(want.log);
    const able = targets.filter((target) => target.view.of(want.log).applied > reached && !want.tried.has(target));
    if (origin && able.includes(origin) && this.#applier.queueOf(want.log).dropped) return origin;
    able.sort((left, right) => Number(left === origin) - Number(right === origin) || left.rttMs - right.rttMs);
    return able[0];
  }

  #pause(want: Want): void {
    want.exhausted ??= this.#context.timeline.stamp();
    if (this.#context.timeline.elapsedMs(want.exhausted) < this.#context.bounds.retryDelayMinMs) return;
    want.exhausted = undefined;
    want.tried.clear();
  }
}
