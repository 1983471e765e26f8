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
  readonly #minuteOfDay: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    schedule: readonly RateEntry[];
    limit: RateLimit;
    logger: Logger;
    minuteOfDay?: () => number;
  }) {
    this.#schedule = options.schedule;
    this.#limit = options.limit;
    this.#logger = options.logger;
    this.#minuteOfDay = options.minuteOfDay ?? minuteOfLocalDay;
  }

  start(): void {
    this.look();
    if (!this.#schedule.some(({ hours }) => hours !== undefined)) return;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Applies what the schedule says for now. */
  look(): void {
    const bytesPerSecond = rateAt(this.#schedule, this.#minuteOfDay());
    const bytesPerMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / MS_PER_SECOND;
    if (bytesPerMs === this.#limit.bytesPerMs) return;
    this.#limit.bytesPerMs = bytesPerMs;
    this.#logger.info({ bytesPerSecond: bytesPerSecond ?? 'unlimited' }, 'maximum rate');
  }
}

function minuteOfLocalDay(): number {
  const now = new Date();
  return 60 * now.getHours() + now.getMinutes();
}
