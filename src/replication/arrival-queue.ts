// What came from the links and waits for the volume: in order, with a bound on the bytes of each source, a few at a time.
import type { LinkCounters } from './link-counters.ts';
import { type LogKey, logKey } from './log-name.ts';
import type { LogName, PositionRange } from './ports.ts';

/** Where it came from: one link, with the bytes that it has waiting here. */
export interface ArrivalSource {
  readonly counters: LinkCounters;
  waitingBytes: number;
}

export interface Arrival<Source extends ArrivalSource> {
  readonly source: Source;
  readonly log: LogName;
  readonly range: PositionRange;
  readonly frame: Uint8Array;
}

export interface ArrivalQueueOptions<Item> {
  readonly bytesMax: number;
  readonly atOnceMax: number;
  /** Must not reject; what it does at once, without waiting, takes no place among those at a time. */
  readonly work: (item: Item) => Promise<void> | undefined;
}

export class ArrivalQueue<Source extends ArrivalSource, Item extends Arrival<Source>> {
  readonly #options: ArrivalQueueOptions<Item>;
  #queue: Item[] = [];
  readonly #working = new Set<Item>();

  constructor(options: ArrivalQueueOptions<Item>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length + this.#working.size;
  }

  waitingOf(source: Source): number {
    return [...this.#queue, ...this.#working].filter((item) => item.source === source).length;
  }

  /** False when the source has too much waiting. */
  add(item: Item): boolean {
    if (item.source.waitingBytes + item.frame.length > this.#options.bytesMax) return false;
    item.source.waitingBytes += item.frame.length;
    this.#queue.push(item);
    this.#start();
    return true;
  }

  /** What is not worked on yet is forgotten. */
  drop(source: Source): void {
    for (const item of this.#queue) if (item.source === source) this.#settled(item);
    this.#queue = this.#queue.filter((item) => item.source !== source);
  }

  /** Has come, and is not worked off. */
  isOnItsWay(key: LogKey, range: PositionRange): boolean {
    const overlaps = (item: Item): boolean =>
      logKey(item.log) === key && item.range.start < range.end && range.start < item.range.end;
    return this.#queue.some(overlaps) || [...this.#working].some(overlaps);
  }

  #start(): void {
    while (this.#working.size < this.#options.atOnceMax) {
      const item = this.#queue.shift();
      if (!item) return;
      const work = this.#options.work(item);
      if (work === undefined) {
        this.#settled(item);
        continue;
      }
      this.#working.add(item);
      void work.then(() => {
        this.#settled(item);
        this.#start();
      });
    }
  }

  #settled(item: Item): void {
    this.#working.delete(item);
    item.source.waitingBytes -= item.frame.length;
  }
}
