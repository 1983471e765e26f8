// Nodes that were closed with bytes to save. That waits a moment, because much of what is synced, closed and not yet in
// the blob is removed at once: the journal of a database.
import { RELEASED_SAVE_MS } from '../base/limits.ts';
import type { InodeNumber } from '../base/units.ts';

export class ReleasedNodes {
  readonly #save: (node: InodeNumber) => Promise<void>;
  readonly #waiting = new Set<InodeNumber>();
  #timer: NodeJS.Timeout | undefined;
  #underWay = 0;
  #saving: Promise<void> = Promise.resolve();

  /** `save` does nothing where nothing is left to save, and never rejects. */
  constructor(save: (node: InodeNumber) => Promise<void>) {
    this.#save = save;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#underWay === 0;
  }

  add(node: InodeNumber): void {
    this.#waiting.add(node);
    this.#timer ??= setTimeout(() => void this.saveAll(), RELEASED_SAVE_MS).unref();
  }

  /** Now, one after the other; resolves when all are done. */
  saveAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#underWay += this.#waiting.size;
    for (const node of this.#waiting) {
      this.#saving = this.#saving.then(() => this.#saveOne(node));
    }
    this.#waiting.clear();
    return this.#saving;
  }

  async #saveOne(node: InodeNumber): Promise<void> {
    await this.#save(node);
    this.#underWay -= 1;
  }
}
