/** A set of half-open ranges of a block: what has come, what was acknowledged, what is to be sent again. */

export type Interval = readonly [start: number, end: number];

export class Intervals {
  /** Sorted, disjoint, not touching. */
  readonly #ranges: [start: number, end: number][] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#ranges.length;
  }

  get end(): number {
    return this.#ranges.at(-1)?.[1] ?? 0;
  }

  first(): Interval | undefined {
    return this.#ranges[0];
  }

  covers(start: number, end: number): boolean {
    const range = this.#ranges[this.#firstEndingAfter(start)];
    return start >= end || (range !== undefined && range[0] <= start && range[1] >= end);
  }

  /** Gives how many bytes are new. */
  add(start: number, end: number): number {
    if (start >= end) return 0;
    const before = this.#bytes;
    // Those that touch on either side are taken in.
    const from = this.#firstEndingAfter(start - 1);
    let to = from;
    let [low, high] = [start, end];
    for (let range = this.#ranges[to]; range !== undefined && range[0] <= end; range = this.#ranges[++to]) {
      [low, high] = [Math.min(low, range[0]), Math.max(high, range[1])];
      this.#bytes -= range[1] - range[0];
    }
    this.#ranges.splice(from, to - from, [low, high]);
    this.#bytes += high - low;
    return this.#bytes - before;
  }

  remove(start: number, end: number): void {
    if (start >= end) return;
    const from = this.#firstEndingAfter(start);
    let to = from;
    const rest: [number, number][] = [];
    for (let range = this.#ranges[to]; range !== undefined && range[0] < end; range = this.#ranges[++to]) {
      this.#bytes -= range[1] - range[0];
      if (range[0] < start) rest.push([range[0], start]);
      if (range[1] > end) rest.push([end, range[1]]);
    }
    this.#ranges.splice(from, to - from, ...rest);
    for (const [low, high] of rest) this.#bytes += high - low;
  }

  /** What of [lower, upper) is in the set. */
  within(lower: number, upper: number): Interval[] {
    const found: Interval[] = [];
    for (let index = this.#firstEndingAfter(lower), range = this.#ranges[index]; range !== undefined && range[0] < upper; range = this.#ranges[++index]) {
      found.push([Math.max(range[0], lower), Math.min(range[1], upper)]);
    }
    return found;
  }

  /** What of [lower, upper) is not. */
  gaps(lower: number, upper: number): Interval[] {
    const found: Interval[] = [];
    let reached = lower;
    for (const [start, end] of this.within(lower, upper)) {
      if (start > reached) found.push([reached, start]);
      reached = end;
    }
    if (reached < upper) found.push([reached, upper]);
    return found;
  }

  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle]![1] > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
