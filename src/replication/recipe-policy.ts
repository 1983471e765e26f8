// Which bytes that a peer lacks are first sent as a recipe, the hashes of their chunks, because it may have them elsewhere
// (docs/design/0085): in files that it was seeded with, or in what it wrote itself while the two were apart. A recipe
// costs a round trip and a thousandth of the bytes, so small updates go without, and recipes that fill nothing are
// followed by a pause.
import type { ReplicationBounds } from './context.ts';
import type { LogKey } from './log-name.ts';
import type { PeerView } from './peer-view.ts';
import type { LogName, PositionRange, RecipeFrame } from './ports.ts';
import { RangeSet } from './range-set.ts';

interface HeldHere {
  of(log: LogName): { readonly held: RangeSet };
}

interface SentRecipe {
  readonly end: number;
  readonly chunks: number;
}

export class RecipePolicy {
  readonly #view: PeerView;
  readonly #local: HeldHere;
  readonly #bounds: ReplicationBounds;
  /** When the link came up, the peer had much that was not here: it may have written the same. */
  #hasDiverged = false;
  readonly #sent = new Map<string, SentRecipe>();
  #chunksInFlight = 0;
  /** What the peer did not find: it goes as literals. */
  readonly #missed = new Map<LogKey, RangeSet>();
  #pauseBytes = 0;
  #nextPauseBytes: number;

  constructor(view: PeerView, here: { readonly local: HeldHere; readonly bounds: ReplicationBounds }) {
    this.#view = view;
    this.#local = here.local;
    this.#bounds = here.bounds;
    this.#nextPauseBytes = here.bounds.recipePauseBytesMin;
  }

  get isFull(): boolean {
    return (
      this.#sent.size >= this.#bounds.recipesInFlightMax || this.#chunksInFlight >= this.#bounds.recipeChunksInFlightMax
    );
  }

  /** The peer has told all that it holds. */
  compare(): void {
    this.#hasDiverged = this.#view.bytesBeyond((log) => this.#local.of(log).held) >= this.#bounds.divergedBytesMin;
  }

  /** The front of what the peer lacks of a log, to be sent alike: as a recipe or as literals. */
  front(key: LogKey, lacking: RangeSet): { readonly range: PositionRange; readonly recipe: boolean } | undefined {
    const range = lacking.first();
    if (!range) return undefined;
    if (!this.#mayHaveElsewhere || this.#pauseBytes > 0 || this.#waitsForProbe) return { range, recipe: false };
    const [missed] = this.#missed.get(key)?.within(range, 1) ?? [];
    if (missed?.start === range.start) return { range: missed, recipe: false };
    if (!lacking.hasBytes(this.#bounds.recipeRawBytesMin)) return { range, recipe: false };
    return { range: { start: range.start, end: missed?.start ?? range.end }, recipe: true };
  }

  get #mayHaveElsewhere(): boolean {
    return this.#view.recipes && (this.#view.seeded || this.#hasDiverged);
  }

  /** After one in vain, a single recipe is tried at a time, and literals go on behind it. */
  get #waitsForProbe(): boolean {
    return this.#nextPauseBytes > this.#bounds.recipePauseBytesMin && this.#sent.size > 0;
  }

  sentLiteral(key: LogKey, range: PositionRange): void {
    this.#pauseBytes = Math.max(0, this.#pauseBytes - (range.end - range.start));
    this.#missed.get(key)?.remove(range);
  }

  sentRecipe(key: LogKey, { start, end, chunks }: RecipeFrame): void {
    this.#sent.set(`${key}:${start}`, { end, chunks });
    this.#chunksInFlight += chunks;
  }

  /** What is wrong with an answer, if no honest peer gives it. */
  answered(key: LogKey, range: PositionRange, missing: readonly PositionRange[]): string | undefined {
    const name = `${key}:${range.start}`;
    const sent = this.#sent.get(name);
    if (sent?.end !== range.end) return 'an answer to a recipe that was not sent';
    if (missing.length > sent.chunks) return 'more is missing of a recipe than it has chunks';
    this.#sent.delete(name);
    this.#chunksInFlight -= sent.chunks;
    const missed = this.#missed.get(key) ?? new RangeSet();
    this.#missed.set(key, missed);
    for (const one of missing) missed.add(one);
    this.#pause(missing.reduce((sum, one) => sum + one.end - one.start, 0) === range.end - range.start);
    return undefined;
  }

  #pause(isInVain: boolean): void {
    if (!isInVain) {
      this.#nextPauseBytes = this.#bounds.recipePauseBytesMin;
      this.#pauseBytes = 0;
    } else if (this.#pauseBytes === 0) {
      this.#pauseBytes = this.#nextPauseBytes;
      this.#nextPauseBytes = Math.min(2 * this.#nextPauseBytes, this.#bounds.recipePauseBytesMax);
    }
  }
}
