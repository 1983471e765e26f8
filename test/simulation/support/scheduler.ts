// Virtual time for simulations: events in order of time, ties in order of scheduling; and a seeded generator.
import { type Milliseconds, milliseconds } from '../../../src/base/units.ts';

export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Scheduler {
  #now = 0;
  #order = 0;
  /** A binary heap. */
  readonly #events: Event[] = [];

  get now(): Milliseconds {
    return milliseconds(this.#now);
  }

  get nextAt(): number | undefined {
    return this.#events[0]?.at;
  }

  after(delayMs: number, run: () => void): void {
    this.#push({ at: this.#now + delayMs, order: this.#order++, run });
  }

  at(time: number, run: () => void): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#order++, run });
  }

  advanceTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  runNext(): void {
    const event = this.#pop();
    if (!event) return;
    this.advanceTo(event.at);
    event.run();
  }

  #push(event: Event): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = events[parent];
      if (above === undefined || !isBefore(event, above)) break;
      events[index] = above;
      index = parent;
    }
    events[index] = event;
  }

  #pop(): Event | undefined {
    const events = this.#events;
    const top = events[0];
    const last = events.pop();
    if (top === undefined || last === undefined || events.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      const left = events[child];
      if (left === undefined) break;
      const right = events[child + 1];
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        least = right;
        child++;
      }
      if (!isBefore(least, last)) break;
      events[index] = least;
      index = child;
    }
    events[index] = last;
    return top;
  }
}

const isBefore = (left: Event, right: Event): boolean =>
  left.at < right.at || (left.at === right.at && left.order < right.order);
