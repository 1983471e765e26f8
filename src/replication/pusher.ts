// Everything that goes out to one peer in bulk: answers to its asks first, then what it lacks of this node's own logs
// and of logs it asked for. One literal is packed at a time; reading the volume stops while the peer's window or the
// link is full, and goes on with its announcements or onDrain.
import {
  ASKS_OUTSTANDING_MAX,
  BATCH_ENCODED_BYTES_MAX,
  LITERAL_FIRST_RAW_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../base/limits.ts';
import { encodeBlockHeader, encodeOperations, type ReplicationMode, type WireRange } from '../wire/messages.ts';
import { CompressionLevel } from './compression-level.ts';
import type { ReplicationContext } from './context.ts';
import { firstStretch } from './delta-bases.ts';
import type { LinkCounters } from './link-counters.ts';
import { LiteralWindow } from './literal-window.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogTable } from './log-table.ts';
import type { PeerView } from './peer-view.ts';
import type { LiteralFrame, LogName, PeerLink, PositionRange, RecipeFrame, StoredBatch } from './ports.ts';
import { PushJob } from './push-job.ts';
import { type Answer, isLastPiece, nextPiece, type Piece } from './push-pieces.ts';
import { RangeSet } from './range-set.ts';
import { RecipePolicy } from './recipe-policy.ts';
import type { Stamp } from './timeline.ts';

export interface PusherOptions {
  readonly context: ReplicationContext;
  readonly link: PeerLink;
  readonly logs: LogTable;
  readonly view: PeerView;
  readonly counters: LinkCounters;
  /** Tells the peer that an ask cannot be met. */
  readonly unavailable: (ask: number, ranges: readonly WireRange[]) => void;
}

export type PushState = 'idle' | 'pushing' | 'window full' | 'link full' | 'unreadable' | 'halted';

export class Pusher {
  readonly #context: ReplicationContext;
  readonly #options: PusherOptions;
  readonly window: LiteralWindow;
  readonly #level = new CompressionLevel();
  readonly #recipes: RecipePolicy;
  readonly #jobs = new Map<LogKey, PushJob>();
  readonly #answers: Answer[] = [];
  /** What could not be packed, and when that was found: tried again later. */
  readonly #unreadable = new Map<LogKey, { ranges: RangeSet; readonly since: Stamp }>();
  #peerMode: ReplicationMode = 'two-way';
  #stale = true;
  #packing = false;
  #pumping = false;
  #closed = false;
  #blocksSent = 0;
  #halted = '';
  state: PushState = 'idle';

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#context = options.context;
    this.window = new LiteralWindow(options.context.bounds, options.link);
    this.#recipes = new RecipePolicy(options.view, options.context);
  }

  get blocksSent(): number {
    return this.#blocksSent;
  }

  get jobs(): Iterable<PushJob> {
    return this.#jobs.values();
  }

  get haltedReason(): string {
    return this.#halted;
  }

  get waitsForLink(): boolean {
    return this.state === 'link full' || this.#unreadable.size > 0;
  }

  close(): void {
    this.#closed = true;
    this.#jobs.clear();
    this.#answers.length = 0;
  }

  peerMode(mode: ReplicationMode): void {
    this.#peerMode = mode;
  }

  /** Commits here and announcements there change what the peer lacks. */
  refresh(): void {
    this.#stale = true;
    this.pump();
  }

  /** The peer announced a position. */
  announced(key: LogKey): void {
    const peer = this.#options.view.get(key);
    if (!peer) return;
    this.window.confirm(key, peer);
    this.#jobs.get(key)?.appliedThere(peer.applied);
    this.#stale = true;
  }

  /** The peer has told all that it holds. */
  compared(): void {
    this.#recipes.compare();
  }

  /** The peer holds a recipe's range but for what is missing. What is wrong with that, if something is. */
  recipeAnswered(log: LogName, range: PositionRange, missing: readonly PositionRange[]): string | undefined {
    const key = logKey(log);
    const { bounds } = this.#context;
    const held = RangeSet.of([range]).without(RangeSet.of(missing)).ranges();
    const problem =
      this.#recipes.answered(key, range, missing) ?? this.#options.view.announceMore(log, held, bounds.peerRangesMax);
    if (problem !== undefined) return problem;
    this.window.forget(key, RangeSet.of([range]));
    this.refresh();
    return undefined;
  }

  answer(answer: Answer): boolean {
    if (this.#answers.length >= ASKS_OUTSTANDING_MAX) return false;
    this.#answers.push(answer);
    this.pump();
    return true;
  }

  /** The peer wants the operations of a log, own or not, from here on. */
  serve(log: LogName, from: bigint, ask: number): void {
    const key = logKey(log);
    if (this.#context.local.of(log).applied < from) {
      this.#options.unavailable(ask, []);
      return;
    }
    const known = this.#jobs.get(key);
    if (known) {
      known.ask = ask;
      known.restartAt(from);
    } else {
      this.#jobs.set(key, new PushJob({ log, from, ask }));
    }
    this.refresh();
  }

  /** Hands over whatever may go now. */
  pump(): void {
    if (this.#closed || this.#pumping || !this.#options.view.complete) return;
    this.#pumping = true;
    try {
      if (this.#stale) this.#refreshJobs();
      this.#sendBatches();
      this.#startPacking();
    } finally {
      this.#pumping = false;
    }
  }

  /** At each telling of the time: what was unreadable may be readable again. */
  tick(): void {
    const { timeline, bounds } = this.#context;
    for (const [key, entry] of this.#unreadable) {
      if (timeline.elapsedMs(entry.since) >= bounds.retryDelayMinMs * 5) {
        this.#unreadable.delete(key);
        this.#stale = true;
      }
    }
    if (this.#stale || this.state === 'link full') this.pump();
  }

  // ---- what the peer lacks -------------------------------------------------------------------------------------------

  #refreshJobs(): void {
    this.#stale = false;
    const { local, mode } = this.#context;
    if (mode !== 'receive-only' && this.#peerMode !== 'send-only') {
      for (const own of local.own()) {
        if (this.#jobs.has(own.key)) continue;
        const from = this.#options.view.of(own.log).applied + 1n;
        this.#jobs.set(own.key, new PushJob({ log: own.log, from, ask: undefined }));
      }
    }
    for (const job of this.#jobs.values()) {
      const applied = local.of(job.log).applied;
      job.limit = applied;
      job.lacking = this.#lackingOf(job);
      if (job.ask !== undefined && !local.of(job.log).own && job.isDone) this.#jobs.delete(job.key);
    }
  }

  #lackingOf(job: PushJob): RangeSet {
    const lacking = RangeSet.of(this.#context.volume.durableRanges(job.log));
    const peer = this.#options.view.of(job.log);
    lacking.removeAll(peer.held);
    lacking.removeAll(this.window.ranges(job.key));
    const unreadable = this.#unreadable.get(job.key);
    if (unreadable) lacking.removeAll(unreadable.ranges);
    return lacking;
  }

  // ---- operations ----------------------------------------------------------------------------------------------------

  #sendBatches(): void {
    const { volume, bounds } = this.#context;
    for (const job of this.#jobs.values()) {
      for (;;) {
        const batches = job.takeReleasable(volume, bounds, this.#jobs);
        if (batches.length > 0) this.#sendGroup(job, batches);
        if (job.halted !== undefined) this.#halt(job, job.halted);
        if (batches.length === 0) break;
      }
    }
  }

  #sendGroup(job: PushJob, batches: readonly StoredBatch[]): void {
    const { link, counters } = this.#options;
    const raw = batches.map((batch) => batch.bytes);
    const isTooLarge = raw.some((batch) => batch.length > BATCH_ENCODED_BYTES_MAX);
    const bytes = isTooLarge ? undefined : encodeOperations(raw, this.#context.compression);
    if (bytes === undefined || bytes.length > MESSAGE_BYTES_MAX) {
      job.halted = `operation ${job.next} is larger than a message may be`;
      return;
    }
    job.handedOver(batches);
    link.sendMessage('operations', bytes);
    counters.batchesSent += batches.length;
    counters.batchRawBytesSent += raw.reduce((sum, batch) => sum + batch.length, 0);
    counters.batchMessageBytesSent += bytes.length;
  }

  /** A peer that asked asks somebody else; an own log that cannot go on is for the operator. */
  #halt(job: PushJob, reason: string): void {
    const { ask } = job;
    job.ask = undefined;
    if (ask !== undefined) {
      this.#options.unavailable(ask, []);
      if (!this.#context.local.of(job.log).own) this.#jobs.delete(job.key);
    } else if (this.#halted !== reason) {
      this.#context.logger.error({ log: job.key, sequence: job.next, reason }, 'operations cannot be sent to a peer');
    }
    this.#halted = reason;
  }

  // ---- literals ------------------------------------------------------------------------------------------------------

  #startPacking(): void {
    while (!this.#packing && !this.#closed) {
      const piece = this.#nextPiece();
      this.state = piece ? this.#hindrance(piece) : this.#restingState();
      if (!piece || this.state !== 'pushing') return;
      if (piece.recipe) this.#packRecipe(piece);
      else this.#pack(piece);
    }
  }

  #restingState(): PushState {
    const jobs = [...this.#jobs.values()];
    if (jobs.some((job) => job.halted !== undefined)) return 'halted';
    if (this.#unreadable.size > 0) return 'unreadable';
    const isBusy = this.window.bytes > 0 || jobs.some((job) => !job.isDone || job.unappliedBytes > 0);
    return isBusy ? 'pushing' : 'idle';
  }

  #hindrance(piece: Piece): PushState {
    if (this.#options.link.unacknowledgedBytes >= this.window.bytesMax) return 'link full';
    if (this.window.isFull && !piece.answer?.repair) return 'window full';
    return piece.recipe && this.#recipes.isFull ? 'window full' : 'pushing';
  }

  #packRecipe(piece: Piece): void {
    const { volume, bounds } = this.#context;
    const recipe = volume.packRecipe(piece.log, piece.range, bounds.literalRawBytesMax);
    if (recipe) this.#sendRecipe(piece, recipe);
    else this.#notPacked(piece);
  }

  #sendRecipe(piece: Piece, recipe: RecipeFrame): void {
    const { link, logs, counters } = this.#options;
    const { start, end, frame } = recipe;
    const range: PositionRange = { start, end };
    link.sendBlock(encodeBlockHeader({ log: logs.reference(piece.log), ...range, ask: 0, recipe: true }), frame);
    this.#blocksSent++;
    counters.recipesSent++;
    counters.recipeRawBytesSent += end - start;
    counters.recipeFrameBytesSent += frame.length;
    this.#recipes.sentRecipe(piece.key, recipe);
    this.#handedOver(piece.key, range, frame.length);
  }

  /** An answer is never a delta. */
  #pack(next: Piece): void {
    const { bounds, volume } = this.#context;
    const { log, answer } = next;
    const { range, bases } = answer
      ? { range: next.range, bases: [] }
      : firstStretch(volume, this.#options.view, log, next.range);
    const piece = { ...next, range };
    this.#packing = true;
    const { rateBytesPerMs } = this.#options.link;
    const isLast = isLastPiece(range, { answers: this.#answers, jobs: this.#jobs.values() });
    const level = this.#level.of(range.end - range.start, { rateBytesPerMs, isLast });
    volume.packLiteral(log, range, { rawBytesMax: bounds.literalRawBytesMax, level, bases }).then(
      (literal) => {
        if (literal) this.#level.packed(level, literal);
        this.#packed(piece, literal);
      },
      (error: unknown) => {
        this.#context.logger.warn({ log: piece.key, start: piece.range.start, error }, 'literal cannot be packed');
        this.#packed(piece, undefined);
      },
    );
  }

  #nextPiece(): Piece | undefined {
    const { bounds } = this.#context;
    return nextPiece({ answers: this.#answers, jobs: this.#jobs.values(), recipes: this.#recipes }, (isRecipe) => {
      // On an idle link less, so that it has something to send soon.
      const isFirst = !isRecipe && this.#options.link.unsentBytes === 0;
      return isFirst ? Math.min(LITERAL_FIRST_RAW_BYTES_MAX, bounds.literalRawBytesMax) : bounds.literalRawBytesMax;
    });
  }

  #packed(piece: Piece, literal: LiteralFrame | undefined): void {
    this.#packing = false;
    if (this.#closed) return;
    if (literal === undefined || literal.end <= piece.range.start) this.#notPacked(piece);
    else if (piece.answer || this.#stillLacks(piece)) this.#send(piece, literal);
    this.pump();
    this.#context.wake();
  }

  /** While it was packed, the peer may have got it elsewhere. */
  #stillLacks(piece: Piece): boolean {
    return this.#jobs.get(piece.key)?.lacking.intersects(piece.range) ?? false;
  }

  #send(piece: Piece, literal: LiteralFrame): void {
    const { link, logs, counters } = this.#options;
    const range: PositionRange = { start: literal.start, end: literal.end };
    const ask = piece.answer?.ask ?? 0;
    const header = encodeBlockHeader({ log: logs.reference(piece.log), ...range, ask, recipe: false });
    link.sendBlock(header, literal.frame);
    this.#blocksSent++;
    counters.literalsSent++;
    if (literal.isDelta) counters.deltaLiteralsSent++;
    counters.literalRawBytesSent += literal.rawBytes;
    counters.literalFrameBytesSent += literal.frame.length;
    piece.answer?.remaining.remove(range);
    if (piece.answer?.repair) return;
    this.#recipes.sentLiteral(piece.key, range);
    this.#handedOver(piece.key, range, literal.frame.length);
    for (const answer of this.#answers) if (answer.key === piece.key && !answer.repair) answer.remaining.remove(range);
  }

  #handedOver(key: LogKey, range: PositionRange, frameBytes: number): void {
    this.window.sent(key, range, frameBytes);
    this.#jobs.get(key)?.lacking.remove(range);
  }

  #notPacked(piece: Piece): void {
    this.#options.counters.literalsUnreadable++;
    if (piece.answer) {
      piece.answer.remaining.remove(piece.range);
      this.#options.unavailable(piece.answer.ask, [piece.range]);
      return;
    }
    const entry = this.#unreadable.get(piece.key) ?? { ranges: new RangeSet(), since: this.#context.timeline.stamp() };
    entry.ranges.add(piece.range);
    this.#unreadable.set(piece.key, entry);
    this.#jobs.get(piece.key)?.lacking.remove(piece.range);
  }
}
