/** What is said of destinations by patterns: the exact domain first, then the longest `*.suffix`, then `*`. */
export class DomainMap<T> {
  readonly #exact = new Map<string, T>();
  /** Longest suffix first is not needed: the walk goes from the longest suffix down. */
  readonly #below = new Map<string, T>();
  readonly #default: T | undefined;

  /** Of two entries with one pattern the later counts. */
  constructor(entries: Iterable<readonly [pattern: string, value: T]>) {
    let rest: T | undefined;
    for (const [pattern, value] of entries) {
      if (pattern === '*') rest = value;
      else if (pattern.startsWith('*.')) this.#below.set(pattern.slice(2), value);
      else this.#exact.set(pattern, value);
    }
    this.#default = rest;
  }

  get(domain: string): T | undefined {
    const exact = this.#exact.get(domain);
    if (exact !== undefined) return exact;
    const labels = domain.split('.');
    for (let first = 1; first < labels.length; first += 1) {
      const value = this.#below.get(labels.slice(first).join('.'));
      if (value !== undefined) return value;
    }
    return this.#default;
  }
}
