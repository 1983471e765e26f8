// Counts chunks that come with their identity, each once.
import type { Stored } from './subject.ts';

export class Tally {
  readonly #known = new Set<string>();
  #uniqueBytes = 0;

  add(identity: string, length: number): void {
    if (this.#known.has(identity)) return;
    this.#known.add(identity);
    this.#uniqueBytes += length;
  }

  get stored(): Stored {
    return { uniqueBytes: this.#uniqueBytes, chunks: this.#known.size };
  }
}
