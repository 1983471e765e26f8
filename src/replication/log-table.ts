// Logs on one link have short indices, chosen by each sender. A reference carries the full name until the other side
// has confirmed the index, so references may overtake each other on channels and blocks.
import { LOGS_MAX } from '../base/limits.ts';
import type { WireLogReference } from '../wire/messages.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogName } from './ports.ts';

export class LogTable {
  readonly #ours = new Map<LogKey, number>();
  readonly #theirs: (LogName | undefined)[] = [undefined];
  #confirmedByPeer = 0;
  #learned = 0;

  /** Their indices 1 … n are known here; goes out in Positions. */
  get learned(): number {
    return this.#learned;
  }

  reference(log: LogName): WireLogReference {
    const key = logKey(log);
    let index = this.#ours.get(key);
    if (index === undefined) {
      index = this.#ours.size + 1;
      this.#ours.set(key, index);
    }
    return { index, name: index <= this.#confirmedByPeer ? undefined : log };
  }

  /** False when they confirm what was never sent. */
  confirm(count: number): boolean {
    if (count > this.#ours.size) return false;
    this.#confirmedByPeer = Math.max(this.#confirmedByPeer, count);
    return true;
  }

  /** Undefined: an index without a name, or one that changed its name; both are malformed. */
  resolve(reference: WireLogReference): LogName | undefined {
    const known = this.#theirs[reference.index];
    if (reference.name === undefined) return known;
    if (known !== undefined) return logKey(known) === logKey(reference.name) ? known : undefined;
    if (reference.index > LOGS_MAX) return undefined;
    this.#theirs[reference.index] = reference.name;
    while (this.#theirs[this.#learned + 1] !== undefined) this.#learned++;
    return reference.name;
  }
}
