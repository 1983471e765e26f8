// Whether a path takes more than it is given: it does not, once several rounds with more did not raise the rate by a
// quarter (draft-ietf-ccwg-bbr, "Exiting Startup Based on Bandwidth Plateau").
const RATE_GROWTH = 1.25;
export const FULL_RATE_ROUNDS = 3;

export class RateSearch {
  #bytesPerMs = 0;
  #rounds = 0;

  /** Rounds since the rate last grew so. */
  get rounds(): number {
    return this.#rounds;
  }

  /** From this rate on, in bytes a millisecond. */
  restart(bytesPerMs = 0): void {
    this.#bytesPerMs = bytesPerMs;
    this.#rounds = 0;
  }

  /** The rate after one more round in which what there was to send did not bound it. */
  onRound(bytesPerMs: number): void {
    if (bytesPerMs >= this.#bytesPerMs * RATE_GROWTH) this.restart(bytesPerMs);
    else this.#rounds += 1;
  }
}
