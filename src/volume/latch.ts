// The one way a volume stops writing for good: a failed sync or a damaged state latches it read-only until it is
// opened again (DESIGN §3: a failed fsync is never retried). Reading goes on. A full disk refuses changes for a time.

import type { Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';

export class ReadOnlyLatch {
  readonly #logger: Logger;
  readonly #listeners: (() => void)[] = [];
  #reason: string | undefined;
  #isFull = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Why the volume is read-only; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Only the first reason is kept: those after it follow from it. */
  close(reason: string, cause: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const listener of this.#listeners) listener();
    this.#logger.error({ reason, cause }, 'the volume is read-only from now on: nothing more is written');
  }

  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Until `admitAgain`: the journal takes nothing more, so no change could be acknowledged. */
  refuseForSpace(): void {
    this.#isFull = true;
  }

  admitAgain(): void {
    this.#isFull = false;
  }

  /** Before every change. */
  assertWritable(): void {
    if (this.#reason !== undefined)
      throw new PacketFsError('PFS_READ_ONLY', `the volume is read-only: ${this.#reason}`);
    if (this.#isFull) throw new PacketFsError('PFS_NO_SPACE', 'the disk of the state directory is full');
  }

  /** Before waiting for durability, which will not come. */
  assertDurable(): void {
    if (this.#reason !== undefined)
      throw new PacketFsError('PFS_IO', `nothing is made durable any more: ${this.#reason}`);
  }
}
