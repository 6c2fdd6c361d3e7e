/** What was written or looked up last, decoded: a queue is looked through again and again, and most of what is in it has come a moment ago. */

export class Recently<Key, Value> {
  /** A Map keeps the order of insertion: the least recently used stands first. */
  readonly #values = new Map<Key, Value>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** @param value undefined where there is none any more */
  set(key: Key, value: Value | undefined): void {
    this.#values.delete(key);
    if (value === undefined) return;
    this.#values.set(key, value);
    if (this.#values.size <= this.#most) return;
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }
}
