// When a commit begins by itself (docs/design/0070): soon after a quiet second, else a second after the one before; a
// burst of changes is let through first, unless it lasts or grows too long. At once when much is dirty.
import type { Clock } from '../base/clock.ts';
import {
  COMMIT_BURST_INODES_MAX,
  COMMIT_BURST_MAX_MS,
  COMMIT_DELAY_MAX_MS,
  COMMIT_DELAY_MIN_MS,
  COMMIT_DIRTY_BYTES_MAX,
} from '../base/limits.ts';

/** How long changes are counted to see whether they are a burst. */
const LOOK_MS = 20;
/** As many in a look, 2,500 a second, are one. */
const BURST_CHANGES_MIN = 50;

export interface CommitPacerOptions {
  readonly clock: Clock;
  readonly commit: () => void;
  /** Bytes appended to the blob since it was opened. */
  readonly appendedBytes: () => number;
  /** Inodes that the next commit would write. */
  readonly pendingInodes: () => number;
}

export class CommitPacer {
  readonly #options: CommitPacerOptions;
  #timer: NodeJS.Timeout | undefined;
  #lastStartedMs = Number.NEGATIVE_INFINITY;
  #bytesAtLastStart = 0;
  #changesSeen = 0;

  constructor(options: CommitPacerOptions) {
    this.#options = options;
  }

  /** A commit begins, for whatever reason. */
  noteStart(): void {
    this.stop();
    this.#lastStartedMs = this.#options.clock.monotonic();
    this.#bytesAtLastStart = this.#options.appendedBytes();
  }

  noteChanges(count: number): void {
    this.#changesSeen += count;
  }

  /** Something waits for a commit. */
  request(): void {
    const { appendedBytes, commit } = this.#options;
    if (appendedBytes() - this.#bytesAtLastStart >= COMMIT_DIRTY_BYTES_MAX) {
      this.stop();
      commit();
      return;
    }
    if (this.#timer !== undefined) return;
    const dueMs = COMMIT_DELAY_MAX_MS - this.#sinceLastMs();
    if (dueMs <= COMMIT_DELAY_MIN_MS) this.#arm(commit, COMMIT_DELAY_MIN_MS);
    else this.#arm(() => this.#watch(), Math.max(0, dueMs - LOOK_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    this.#changesSeen = 0;
    this.#arm(() => this.#decide(), LOOK_MS);
  }

  #decide(): void {
    const isBurst = this.#changesSeen >= BURST_CHANGES_MIN;
    const isTooMuch =
      this.#sinceLastMs() >= COMMIT_BURST_MAX_MS || this.#options.pendingInodes() >= COMMIT_BURST_INODES_MAX;
    if (isBurst && !isTooMuch) this.#watch();
    else this.#options.commit();
  }

  #arm(action: () => void, delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      action();
    }, delayMs).unref();
  }

  #sinceLastMs(): number {
    return this.#options.clock.monotonic() - this.#lastStartedMs;
  }
}
