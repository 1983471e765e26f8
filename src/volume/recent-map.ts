// A map that forgets its oldest entries beyond a count, and beyond a sum of what they weigh.

export interface RecentMapBounds<Value> {
  readonly countMax: number;
  readonly weightMax: number;
  readonly weightOf: (value: Value) => number;
}

export class RecentMap<Key, Value> {
  readonly #bounds: RecentMapBounds<Value>;
  readonly #values = new Map<Key, Value>();
  #weight = 0;

  constructor(bounds: RecentMapBounds<Value>) {
    this.#bounds = bounds;
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  set(key: Key, value: Value): void {
    this.delete(key); // what is set anew is the youngest
    this.#values.set(key, value);
    this.#weight += this.#bounds.weightOf(value);
    const { countMax, weightMax } = this.#bounds;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= countMax && this.#weight <= weightMax) return;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#weight -= this.#bounds.weightOf(value);
  }
}
