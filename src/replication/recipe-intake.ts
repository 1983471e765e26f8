// Recipes on their way from the links into the volume, apart from literals, so that these do not wait while seeds are
// still being read. Each is answered with what of it is missing.
import type { ReplicationContext } from './context.ts';
import type { LiteralSource } from './literal-intake.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { FilledRecipe, LogName, PositionRange } from './ports.ts';

export interface ArrivedRecipe<Source extends LiteralSource> {
  readonly source: Source;
  readonly log: LogName;
  readonly range: PositionRange;
  readonly frame: Uint8Array;
}

export interface RecipeIntakeEvents<Source extends LiteralSource> {
  onFilled(recipe: ArrivedRecipe<Source>, filled: FilledRecipe): void;
  onRejected(recipe: ArrivedRecipe<Source>, error: unknown): void;
}

export class RecipeIntake<Source extends LiteralSource> {
  readonly #context: ReplicationContext;
  readonly #events: RecipeIntakeEvents<Source>;
  #queue: ArrivedRecipe<Source>[] = [];
  readonly #filling = new Set<ArrivedRecipe<Source>>();

  constructor(context: ReplicationContext, events: RecipeIntakeEvents<Source>) {
    this.#context = context;
    this.#events = events;
  }

  get waiting(): number {
    return this.#queue.length + this.#filling.size;
  }

  /** False when the peer sent more than it may. */
  add(recipe: ArrivedRecipe<Source>): boolean {
    const { literalIntakeBytesMax, recipesInFlightMax } = this.#context.bounds;
    const waiting = [...this.#queue, ...this.#filling].filter(({ source }) => source === recipe.source).length;
    if (waiting >= recipesInFlightMax) return false;
    if (recipe.source.waitingBytes + recipe.frame.length > literalIntakeBytesMax) return false;
    recipe.source.waitingBytes += recipe.frame.length;
    this.#queue.push(recipe);
    this.#start();
    return true;
  }

  /** Nobody waits for an answer. */
  closed(source: Source): void {
    this.#queue = this.#queue.filter((recipe) => recipe.source !== source);
  }

  /** Has come and is not yet filled. */
  isOnItsWay(key: LogKey, range: PositionRange): boolean {
    const overlaps = (recipe: ArrivedRecipe<Source>): boolean =>
      logKey(recipe.log) === key && recipe.range.start < range.end && range.start < recipe.range.end;
    return this.#queue.some(overlaps) || [...this.#filling].some(overlaps);
  }

  #start(): void {
    while (this.#filling.size < this.#context.bounds.recipeFillsMax) {
      const recipe = this.#queue.shift();
      if (!recipe) return;
      this.#filling.add(recipe);
      this.#context.volume.storeRecipe(recipe.log, recipe.frame).then(
        (filled) => {
          this.#settled(recipe);
          for (const range of filled.held) this.#context.local.stored(recipe.log, range);
          recipe.source.counters.recipeBytesFilled += filled.filledBytes;
          this.#events.onFilled(recipe, filled);
          this.#start();
        },
        (error: unknown) => {
          this.#settled(recipe);
          recipe.source.counters.literalsRejected++;
          this.#events.onRejected(recipe, error);
          this.#start();
        },
      );
    }
  }

  #settled(recipe: ArrivedRecipe<Source>): void {
    this.#filling.delete(recipe);
    recipe.source.waitingBytes -= recipe.frame.length;
  }
}
