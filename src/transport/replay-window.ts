// The sliding window of RFC 6479: which packet numbers were accepted. Constant memory; a number is accepted once, and
// never when it is older than the window.
import { REPLAY_WINDOW_PACKETS } from './constants.ts';

const WORD_BITS = 32;

export class ReplayWindow {
  // One word more than the window: the word being filled is only partly valid.
  readonly #words = new Uint32Array(REPLAY_WINDOW_PACKETS / WORD_BITS + 1);
  #highest = -1;

  /** Whether `number` is neither too old nor accepted before. */
  isFresh(number: number): boolean {
    if (number > this.#highest) return true;
    if (number + REPLAY_WINDOW_PACKETS <= this.#highest) return false;
    const word = this.#words[Math.floor(number / WORD_BITS) % this.#words.length] ?? 0;
    return (word & (1 << (number % WORD_BITS))) === 0;
  }

  /** Marks an authenticated packet's number; false when it was accepted before. */
  accept(number: number): boolean {
    if (!this.isFresh(number)) return false;
    const wordIndex = Math.floor(number / WORD_BITS);
    if (number > this.#highest) {
      const from = this.#highest < 0 ? -1 : Math.floor(this.#highest / WORD_BITS);
      const steps = Math.min(wordIndex - from, this.#words.length);
      for (let step = 0; step < steps; step++) this.#words[(wordIndex - step) % this.#words.length] = 0;
      this.#highest = number;
    }
    const position = wordIndex % this.#words.length;
    this.#words[position] = (this.#words[position] ?? 0) | (1 << (number % WORD_BITS));
    return true;
  }
}
