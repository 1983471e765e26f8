// Literals on their way from the links into the volume, a few stores at a time. A literal whose bytes are all held is
// dropped, one that cannot be stored is reported to whoever asks again.
import { type Arrival, ArrivalQueue, type ArrivalSource } from './arrival-queue.ts';
import type { ReplicationContext } from './context.ts';
import type { LogKey } from './log-name.ts';
import type { PositionRange } from './ports.ts';

export interface ArrivedLiteral<Source extends ArrivalSource> extends Arrival<Source> {
  readonly repair: boolean;
}

export interface LiteralIntakeEvents<Source extends ArrivalSource> {
  onStored(literal: ArrivedLiteral<Source>, stored: PositionRange): void;
  onRejected(literal: ArrivedLiteral<Source>, error: unknown): void;
}

export class LiteralIntake<Source extends ArrivalSource> {
  readonly #context: ReplicationContext;
  readonly #events: LiteralIntakeEvents<Source>;
  readonly #queue: ArrivalQueue<Source, ArrivedLiteral<Source>>;

  constructor(context: ReplicationContext, events: LiteralIntakeEvents<Source>) {
    this.#context = context;
    this.#events = events;
    const { literalIntakeBytesMax, literalStoresMax } = context.bounds;
    this.#queue = new ArrivalQueue({
      bytesMax: literalIntakeBytesMax,
      atOnceMax: literalStoresMax,
      work: (literal) => this.#take(literal),
    });
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** False when the peer sent more than its window. */
  add(literal: ArrivedLiteral<Source>): boolean {
    return this.#queue.add(literal);
  }

  /** Has come and is not yet stored. */
  isOnItsWay(key: LogKey, range: PositionRange): boolean {
    return this.#queue.isOnItsWay(key, range);
  }

  #take(literal: ArrivedLiteral<Source>): Promise<void> | undefined {
    const isHeld = this.#context.local.of(literal.log).held.covers(literal.range);
    if (literal.repair || !isHeld) return this.#store(literal);
    literal.source.counters.literalsDuplicate++;
    this.#events.onStored(literal, literal.range);
    return undefined;
  }

  async #store(literal: ArrivedLiteral<Source>): Promise<void> {
    const { log, frame, repair, source } = literal;
    let stored: PositionRange;
    try {
      stored = await this.#context.volume.storeLiteral(log, frame, { repair });
    } catch (error) {
      source.counters.literalsRejected++;
      this.#events.onRejected(literal, error);
      return;
    }
    this.#context.local.stored(log, stored);
    this.#events.onStored(literal, stored);
  }
}
