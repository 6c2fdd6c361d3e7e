/** Intervals of pairs of nodes, one direction each, that must not overlap within a pair. */

export interface PairInterval {
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
}

export class PairTimes<T extends PairInterval> {
  readonly #byPair = new Map<string, { latestMs: number; entries: T[] }>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The entry that overlaps this interval, or undefined. Plans are mostly in order of time: the end of a pair's last entry answers most questions. */
  overlapping(interval: PairInterval): T | undefined {
    const pair = this.#byPair.get(key(interval));
    if (pair === undefined || pair.latestMs <= interval.startMs) return undefined;
    return pair.entries.find((one) => one.startMs < interval.endMs && interval.startMs < one.endMs);
  }

  add(entry: T): void {
    const pair = this.#byPair.get(key(entry)) ?? { latestMs: Number.NEGATIVE_INFINITY, entries: [] };
    pair.latestMs = Math.max(pair.latestMs, entry.endMs);
    pair.entries.push(entry);
    this.#byPair.set(key(entry), pair);
    this.#count += 1;
  }

  of(pair: Pick<PairInterval, 'from' | 'to'>): readonly T[] {
    return this.#byPair.get(key(pair))?.entries ?? [];
  }

  /** Puts `change`, or nothing, in the place of each entry of a pair that starts then; of all where no time is given. Gives how many there were. */
  replace(of: Pick<PairInterval, 'from' | 'to'>, startMs: number | undefined, change: (entry: T) => T | undefined): number {
    const pair = this.#byPair.get(key(of));
    if (pair === undefined) return 0;
    let found = 0;
    pair.entries = pair.entries.flatMap((entry) => {
      if (startMs !== undefined && entry.startMs !== startMs) return [entry];
      found += 1;
      const changed = change(entry);
      if (changed === undefined) this.#count -= 1;
      return changed === undefined ? [] : [changed];
    });
    return found;
  }

  all(): T[] {
    return [...this.#byPair.values()].flatMap((pair) => pair.entries);
  }
}

function key({ from, to }: Pick<PairInterval, 'from' | 'to'>): string {
  return `${from} ${to}`;
}
