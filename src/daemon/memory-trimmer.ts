// Gives memory back to the system that the C library keeps of what was freed: many small pieces on the heaps of many
// threads, which are never at an end of their heap. After the creation of a million files it is some 40 MiB.
import { MIB } from '../base/units.ts';

const INTERVAL_MS = 10_000;
/** So much more than after the last time is worth a look at every heap. */
const GROWTH_BYTES_MIN = 8 * MIB;

export class MemoryTrimmer {
  readonly #trim: () => Promise<void>;
  readonly #residentBytes: () => number;
  readonly #timer: NodeJS.Timeout;
  #bytesAfterLast = 0;

  /** Looks every ten seconds, until stopped. */
  constructor(trim: () => Promise<void>, residentBytes = () => process.memoryUsage.rss()) {
    this.#trim = trim;
    this.#residentBytes = residentBytes;
    this.#timer = setInterval(() => void this.trimGrown(), INTERVAL_MS);
    this.#timer.unref();
  }

  async trimGrown(): Promise<void> {
    if (this.#residentBytes() < this.#bytesAfterLast + GROWTH_BYTES_MIN) return;
    await this.#trim();
    this.#bytesAfterLast = this.#residentBytes();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
