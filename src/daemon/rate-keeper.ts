// Keeps the node's rate limit at what its schedule says for the local time of day.
import type { Logger } from '../base/clock.ts';
import { type RateEntry, rateAt } from '../base/rate-schedule.ts';
import type { RateLimit } from '../transport/rate-limit.ts';

/** The wall clock may be set, and zones change their time: it is looked at so often. */
const LOOK_MS = 10_000;
const MS_PER_SECOND = 1000;

export class RateKeeper {
  readonly #schedule: readonly RateEntry[];
  readonly #limit: RateLimit;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { schedule: readonly RateEntry[]; limit: RateLimit; logger: Logger }) {
    this.#schedule = options.schedule;
    this.#limit = options.limit;
    this.#logger = options.logger;
  }

  start(): void {
    this.#look();
    if (!this.#schedule.some(({ hours }) => hours !== undefined)) return;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = new Date();
    const bytesPerSecond = rateAt(this.#schedule, 60 * now.getHours() + now.getMinutes());
    const bytesPerMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / MS_PER_SECOND;
    if (bytesPerMs === this.#limit.bytesPerMs) return;
    this.#limit.bytesPerMs = bytesPerMs;
    this.#logger.info({ bytesPerSecond: bytesPerSecond ?? 'unlimited' }, 'maximum rate');
  }
}
