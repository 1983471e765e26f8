// Replication of one volume with its peers (DESIGN §5): puts the parts together, one session per link, and is what the
// daemon holds. Deterministic: time comes through handleTimeout, everything else through the ports. The owner calls
// handleTimeout(now) at nextTimeout(), and asks again after each call of it and after onTimeoutChanged.
import type { Logger } from '../base/clock.ts';
import { type Milliseconds, milliseconds } from '../base/units.ts';
import type { Compression, ReplicationMode } from '../wire/messages.ts';
import { Applier } from './applier.ts';
import type { Arrival } from './arrival-queue.ts';
import { Arrivals, AskIds } from './ask-target.ts';
import { DEFAULT_BOUNDS, type ReplicationBounds, type ReplicationContext } from './context.ts';
import { LinkSession } from './link-session.ts';
import type { ReceivedBatch, ReceivedLiteral, ReceivedRecipe } from './link-session-events.ts';
import { LiteralAsker } from './literal-asker.ts';
import { type ArrivedLiteral, LiteralIntake } from './literal-intake.ts';
import { LocalLogs } from './local-logs.ts';
import { hexOf, logKey } from './log-name.ts';
import { OperationAsker } from './operation-asker.ts';
import { Peers } from './peers.ts';
import type { FilledRecipe, LogName, PeerLink, PeerLinkEvents, PositionRange, VolumePort } from './ports.ts';
import { RangeSet } from './range-set.ts';
import { RecipeIntake } from './recipe-intake.ts';
import { logStatuses, type ReplicationStatus } from './status.ts';
import { Timeline } from './timeline.ts';
import { Waiters } from './waiters.ts';

/** How often asks and pauses are looked at while something is wanted. */
const PLAN_INTERVAL_MS = 100;

export interface ReplicatorOptions {
  readonly volume: VolumePort;
  readonly compression: Compression;
  readonly logger: Logger;
  readonly mode: ReplicationMode;
  /** This node's member list, opaque entries, sent to every peer. */
  readonly members?: () => readonly Uint8Array[];
  /** A peer's member list came. */
  readonly onMembers?: (peer: Uint8Array, entries: readonly Uint8Array[]) => void;
  /** nextTimeout may have moved: the owner sets its timer anew (soon, not from within this call). */
  readonly onTimeoutChanged: () => void;
  readonly bounds?: Partial<ReplicationBounds>;
}

export class Replicator {
  readonly #context: ReplicationContext;
  readonly #options: ReplicatorOptions;
  readonly #peers = new Peers();
  readonly #applier: Applier;
  readonly #intake: LiteralIntake<LinkSession>;
  readonly #recipes: RecipeIntake<LinkSession>;
  readonly #operationAsker: OperationAsker;
  readonly #literalAsker: LiteralAsker;
  readonly #arrivals: Arrivals;
  readonly #waiters = new Waiters();
  readonly #unsubscribe: () => void;
  /** Something happened that asks depend on. */
  #planStale = true;
  #closed = false;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    const timeline = new Timeline();
    this.#context = {
      volume: options.volume,
      compression: options.compression,
      logger: options.logger,
      bounds: { ...DEFAULT_BOUNDS, ...options.bounds },
      timeline,
      local: new LocalLogs(options.volume),
      mode: options.mode,
      wake: () => this.#timeoutChanged(),
    };
    this.#arrivals = new Arrivals(timeline);
    const ids = new AskIds();
    const shared = { context: this.#context, arrivals: this.#arrivals, ids };
    this.#applier = new Applier(this.#context, () => this.#committed());
    this.#intake = new LiteralIntake<LinkSession>(this.#context, {
      onStored: (literal, stored) => this.#stored(literal, stored),
      onRejected: (literal, error) => this.#rejected(literal, error),
    });
    this.#recipes = new RecipeIntake<LinkSession>(this.#context, {
      onFilled: (recipe, filled) => this.#filled(recipe, filled),
      onRejected: (recipe, error) => this.#recipeRejected(recipe, error),
    });
    this.#operationAsker = new OperationAsker({ ...shared, applier: this.#applier });
    this.#literalAsker = new LiteralAsker({
      ...shared,
      applier: this.#applier,
      operations: this.#operationAsker,
      isOnItsWay: (key, range) => this.#intake.isOnItsWay(key, range) || this.#recipes.isOnItsWay(key, range),
    });
    this.#unsubscribe = options.volume.onCommitted(() => this.#committed());
  }

  /** A connection to a peer is up. One link per peer: a former one is closed. */
  addLink(link: PeerLink): PeerLinkEvents {
    const record = this.#peers.of(link.peer);
    record.session?.close('replaced by a newer link');
    record.counters.links++;
    const session = new LinkSession({
      context: this.#context,
      link,
      peerKey: record.key,
      counters: record.counters,
      members: this.#options.members ?? (() => []),
      events: {
        onMembers: (_, entries) => this.#options.onMembers?.(link.peer, entries),
        onPositions: () => this.#positionsMoved(),
        onBatch: (from, batch) => this.#receivedBatch(from, batch),
        onLiteral: (from, literal) => this.#receivedLiteral(from, literal),
        onRecipe: (from, recipe) => this.#receivedRecipe(from, recipe),
        onUnavailable: (from, ask, ranges) => this.#unavailable(from, ask, ranges),
        onClosed: (from, reason) => this.#linkClosed(from, reason),
      },
    });
    record.session = session;
    record.view = session.view;
    session.start();
    this.#changed();
    return session;
  }

  /** The daemon's member list changed: every peer gets it. */
  membersChanged(): void {
    for (const session of this.#peers.sessions()) session.sendMembers();
  }

  /** Resolves when the peer (without one: every peer that has ever been linked) has durably applied it; else rejects
   * with PFS_TIMEOUT at the deadline. */
  waitUntilApplied(options: {
    readonly peer?: Uint8Array;
    readonly log: LogName;
    readonly sequence: bigint;
    readonly deadline: Milliseconds;
  }): Promise<void> {
    const key = logKey(options.log);
    const peer = options.peer === undefined ? undefined : hexOf(options.peer);
    const isReached = (): boolean => this.#peers.haveApplied({ peer, key, sequence: options.sequence });
    const what = `Sequence ${options.sequence} at ${peer ?? 'every peer'}`;
    const waiting = this.#waiters.wait(isReached, { deadline: options.deadline, what });
    this.#timeoutChanged();
    return waiting;
  }

  /** A literal frame from any connected peer that holds the range's first bytes; undefined when none does. */
  fetchLiteral(log: LogName, range: PositionRange): Promise<Uint8Array | undefined> {
    const fetched = this.#literalAsker.fetch(log, range);
    this.#changed();
    return fetched;
  }

  /** Files that recipes may be filled from came or went. */
  seedsChanged(): void {
    for (const session of this.#peers.sessions()) session.seedsChanged();
  }

  handleTimeout(now: Milliseconds): void {
    if (this.#closed) return;
    this.#context.timeline.advance(now);
    this.#waiters.tick(this.#context.timeline.now);
    this.#applier.tick();
    this.#planStale = false;
    const ready = this.#peers.sessions().filter((session) => session.isReady);
    this.#operationAsker.plan(ready);
    this.#literalAsker.plan(ready);
    for (const session of this.#peers.sessions()) session.tick();
  }

  /** When handleTimeout is wanted; undefined: not until something else happens. */
  nextTimeout(): Milliseconds | undefined {
    if (this.#closed) return undefined;
    const { timeline } = this.#context;
    if (this.#planStale || timeline.hasPending) return timeline.now;
    const due: (number | undefined)[] = [this.#waiters.nextDeadline];
    for (const session of this.#peers.sessions()) {
      due.push(session.nextAnnouncementAt);
      if (session.pusher.waitsForLink) due.push(timeline.now + PLAN_INTERVAL_MS);
    }
    const isBlocked = [...this.#applier.queues].some((queue) => queue.count > 0 || queue.blocked !== undefined);
    if (isBlocked || this.#operationAsker.isWanting || this.#literalAsker.isWanting)
      due.push(timeline.now + PLAN_INTERVAL_MS);
    const known = due.filter((at) => at !== undefined);
    return known.length === 0 ? undefined : milliseconds(Math.min(...known));
  }

  status(): ReplicationStatus {
    const { local, timeline } = this.#context;
    return {
      peers: this.#peers.statuses(local),
      logs: logStatuses({ local, timeline, applier: this.#applier, operations: this.#operationAsker }),
      applying: this.#applier.isApplying,
      literalsStoring: this.#intake.waiting + this.#recipes.waiting,
      literalsRejected: this.#literalAsker.rejected,
      asksOutstanding: this.#literalAsker.outstanding,
      applier: { ...this.#applier.counters },
    };
  }

  /** Closes every link; what waits is rejected. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    for (const session of this.#peers.sessions()) session.close('replication stops');
    this.#waiters.close();
    this.#literalAsker.close();
  }

  // ---- what happens --------------------------------------------------------------------------------------------------

  #committed(): void {
    if (this.#closed) return;
    this.#context.local.refresh();
    this.#applier.committed();
    for (const session of this.#peers.sessions()) session.committed();
    this.#changed();
  }

  #positionsMoved(): void {
    this.#waiters.check();
    this.#changed();
  }

  #receivedBatch(session: LinkSession, batch: ReceivedBatch): void {
    const key = logKey(batch.log);
    if (this.#context.mode === 'send-only' || this.#context.local.isCurrent(key)) {
      session.counters.batchesRefused++;
      return;
    }
    this.#arrivals.arrived(key);
    const admission = this.#applier.add(batch.log, batch);
    if (admission === 'duplicate') session.counters.batchesDuplicate++;
    if (admission === 'dropped') session.counters.batchesDropped++;
    this.#applier.drive();
    this.#changed();
  }

  #receivedLiteral(session: LinkSession, literal: ReceivedLiteral): boolean {
    const key = logKey(literal.log);
    this.#arrivals.arrived(key);
    const isCurrent = this.#context.local.isCurrent(key);
    const use = this.#literalAsker.answered(session, literal.ask, literal.frame);
    this.#changed();
    if (use === 'taken') return true;
    if (use === 'store' && (isCurrent || this.#context.mode === 'send-only')) {
      session.counters.literalsRefused++;
      return true;
    }
    const { log, range, frame } = literal;
    return this.#intake.add({ source: session, log, range, frame, repair: use === 'repair' });
  }

  #stored(literal: ArrivedLiteral<LinkSession>, stored: PositionRange): void {
    if (this.#closed) return;
    const key = logKey(literal.log);
    this.#arrivals.arrived(key);
    this.#literalAsker.stored(key, stored, literal.repair);
    for (const session of this.#peers.sessions()) session.stored();
    this.#applier.stored(key, { set: RangeSet.of([stored]), repaired: literal.repair });
    this.#changed();
  }

  #receivedRecipe(session: LinkSession, recipe: ReceivedRecipe): boolean {
    const key = logKey(recipe.log);
    this.#arrivals.arrived(key);
    if (this.#context.local.isCurrent(key) || this.#context.mode === 'send-only') {
      session.counters.literalsRefused++;
      return true;
    }
    return this.#recipes.add({ source: session, ...recipe });
  }

  #filled({ source, log }: Arrival<LinkSession>, filled: FilledRecipe): void {
    if (this.#closed) return;
    const { held } = filled;
    const key = logKey(log);
    this.#arrivals.arrived(key);
    for (const one of held) this.#literalAsker.stored(key, one, false);
    source.answerRecipe(log, filled);
    for (const session of this.#peers.sessions()) session.stored();
    if (held.length > 0) this.#applier.stored(key, { set: RangeSet.of(held), repaired: false });
    this.#changed();
  }

  /** Then the bytes must come, and what hinders them is met again, with its pauses. */
  #recipeRejected({ source, log, range }: Arrival<LinkSession>, error: unknown): void {
    if (this.#closed) return;
    this.#context.logger.warn(
      { log: logKey(log), start: range.start, end: range.end, error },
      'recipe cannot be stored',
    );
    source.answerRecipe(log, { range, held: [], missing: [range] });
    this.#changed();
  }

  #rejected(literal: ArrivedLiteral<LinkSession>, error: unknown): void {
    if (this.#closed) return;
    const { log, range, source } = literal;
    this.#context.logger.warn(
      { log: logKey(log), start: range.start, end: range.end, error },
      'literal cannot be stored',
    );
    if (!literal.repair) this.#literalAsker.cameToNothing(source, log, range);
    this.#changed();
  }

  #unavailable(session: LinkSession, ask: number, ranges: readonly PositionRange[]): void {
    if (!this.#operationAsker.unavailable(session, ask)) this.#literalAsker.unavailable(session, ask, ranges);
    this.#changed();
  }

  #linkClosed(session: LinkSession, reason: string): void {
    this.#peers.closed(session, reason);
    this.#literalAsker.closed(session);
    this.#recipes.closed(session);
    this.#changed();
  }

  #changed(): void {
    this.#planStale = true;
    this.#timeoutChanged();
  }

  #timeoutChanged(): void {
    this.#options.onTimeoutChanged();
  }
}
