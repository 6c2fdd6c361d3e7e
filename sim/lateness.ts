/** How late things happen: quantiles of any number of delays, in a fixed and small amount of memory, each within 5 % or a hundredth of a millisecond. */

export interface LatenessFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const LEAST_MS = 0.01;
const STEP = 1.05;
/** Up to 24 days, the longest timer there is. */
const BUCKETS = 550;

export class Lateness {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / Math.log(STEP));
    this.#counts[Math.min(bucket, BUCKETS - 1)]! += 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  figures(): LatenessFigures {
    return { count: this.#count, p50Ms: this.#quantile(0.5), p90Ms: this.#quantile(0.9), p99Ms: this.#quantile(0.99), maxMs: round(this.#maxMs) };
  }

  /** The upper end of the bucket in which it lies. */
  #quantile(share: number): number {
    let left = Math.ceil(share * this.#count);
    if (left === 0) return 0;
    const bucket = this.#counts.findIndex((count) => (left -= count) <= 0);
    return round(Math.min(LEAST_MS * STEP ** bucket, this.#maxMs));
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
