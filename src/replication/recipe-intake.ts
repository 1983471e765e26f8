// Recipes on their way from the links into the volume, apart from literals, so that these do not wait while seeds are
// still being read. Each is answered with what of it is missing.
import { type Arrival, ArrivalQueue, type ArrivalSource } from './arrival-queue.ts';
import type { ReplicationContext } from './context.ts';
import type { LogKey } from './log-name.ts';
import type { FilledRecipe, PositionRange } from './ports.ts';

export interface RecipeIntakeEvents<Source extends ArrivalSource> {
  onFilled(recipe: Arrival<Source>, filled: FilledRecipe): void;
  onRejected(recipe: Arrival<Source>, error: unknown): void;
}

export class RecipeIntake<Source extends ArrivalSource> {
  readonly #context: ReplicationContext;
  readonly #events: RecipeIntakeEvents<Source>;
  readonly #queue: ArrivalQueue<Source, Arrival<Source>>;

  constructor(context: ReplicationContext, events: RecipeIntakeEvents<Source>) {
    this.#context = context;
    this.#events = events;
    const { literalIntakeBytesMax, recipeFillsMax } = context.bounds;
    this.#queue = new ArrivalQueue({
      bytesMax: literalIntakeBytesMax,
      atOnceMax: recipeFillsMax,
      work: (recipe) => this.#fill(recipe),
    });
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** False when the peer sent more than it may. */
  add(recipe: Arrival<Source>): boolean {
    const { recipesInFlightMax } = this.#context.bounds;
    return this.#queue.waitingOf(recipe.source) < recipesInFlightMax && this.#queue.add(recipe);
  }

  /** Nobody waits for an answer. */
  closed(source: Source): void {
    this.#queue.drop(source);
  }

  /** Has come and is not yet filled. */
  isOnItsWay(key: LogKey, range: PositionRange): boolean {
    return this.#queue.isOnItsWay(key, range);
  }

  async #fill(recipe: Arrival<Source>): Promise<void> {
    const { log, frame, source } = recipe;
    let filled: FilledRecipe;
    try {
      filled = await this.#context.volume.storeRecipe(log, frame);
    } catch (error) {
      source.counters.literalsRejected++;
      this.#events.onRejected(recipe, error);
      return;
    }
    for (const range of filled.held) this.#context.local.stored(log, range);
    source.counters.recipeBytesFilled += filled.filledBytes;
    this.#events.onFilled(recipe, filled);
  }
}
