// Literals on their way from the links into the volume: a queue with a bound per peer, a few stores at a time. A
// literal whose bytes are all held is dropped, one that cannot be stored is reported to whoever asks again.
import type { ReplicationContext } from './context.ts';
import type { LinkCounters } from './link-counters.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogName, PositionRange } from './ports.ts';

/** Where a literal came from: one link, with the bytes that it has waiting here. */
export interface LiteralSource {
  readonly counters: LinkCounters;
  waitingBytes: number;
}

export interface ArrivedLiteral<Source extends LiteralSource> {
  readonly source: Source;
  readonly log: LogName;
  readonly range: PositionRange;
  readonly frame: Uint8Array;
  readonly repair: boolean;
}

export interface LiteralIntakeEvents<Source extends LiteralSource> {
  onStored(literal: ArrivedLiteral<Source>, stored: PositionRange): void;
  onRejected(literal: ArrivedLiteral<Source>, error: unknown): void;
}

export class LiteralIntake<Source extends LiteralSource> {
  readonly #context: ReplicationContext;
  readonly #events: LiteralIntakeEvents<Source>;
  readonly #queue: ArrivedLiteral<Source>[] = [];
  readonly #storing = new Set<ArrivedLiteral<Source>>();

  constructor(context: ReplicationContext, events: LiteralIntakeEvents<Source>) {
    this.#context = context;
    this.#events = events;
  }

  get waiting(): number {
    return this.#queue.length + this.#storing.size;
  }

  /** False when the peer sent more than its window. */
  add(literal: ArrivedLiteral<Source>): boolean {
    if (literal.source.waitingBytes + literal.frame.length > this.#context.bounds.literalIntakeBytesMax) return false;
    literal.source.waitingBytes += literal.frame.length;
    this.#queue.push(literal);
    this.#start();
    return true;
  }

  /** Has come and is not yet stored. */
  isOnItsWay(key: LogKey, range: PositionRange): boolean {
    const overlaps = (literal: ArrivedLiteral<Source>): boolean =>
      logKey(literal.log) === key && literal.range.start < range.end && range.start < literal.range.end;
    return this.#queue.some(overlaps) || [...this.#storing].some(overlaps);
  }

  #start(): void {
    while (this.#storing.size < this.#context.bounds.literalStoresMax) {
      const literal = this.#queue.shift();
      if (!literal) return;
      if (!literal.repair && this.#context.local.of(literal.log).held.covers(literal.range)) {
        literal.source.waitingBytes -= literal.frame.length;
        literal.source.counters.literalsDuplicate++;
        this.#events.onStored(literal, literal.range);
        continue;
      }
      this.#storing.add(literal);
      this.#context.volume.storeLiteral(literal.log, literal.frame, { repair: literal.repair }).then(
        (stored) => {
          this.#settled(literal);
          this.#context.local.stored(literal.log, stored);
          this.#events.onStored(literal, stored);
          this.#start();
        },
        (error: unknown) => {
          this.#settled(literal);
          literal.source.counters.literalsRejected++;
          this.#events.onRejected(literal, error);
          this.#start();
        },
      );
    }
  }

  #settled(literal: ArrivedLiteral<Source>): void {
    this.#storing.delete(literal);
    literal.source.waitingBytes -= literal.frame.length;
  }
}
