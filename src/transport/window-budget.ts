// What the receive windows of all connections together may have grown by: a share is taken before a window grows, and
// comes back when it has shrunk or its connection has ended.
import { assert } from '../base/assert.ts';

export class WindowBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** False, and nothing taken, when there is not so much. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    assert(bytes >= 0, 'a share is not negative');
    this.#left += bytes;
  }
}
