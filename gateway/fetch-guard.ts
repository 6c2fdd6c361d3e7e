/**
 * Bounds on fetching. Who asks for what is not there learns something by each answer, if only how long it took: a source
 * may miss so often, and after that nothing is there for it for a while. And one id is served to a few at once.
 */
import { addressGroup } from '../base/address-group.js';
import type { Clock } from '../base/clock.js';
import { isLoopbackHost } from '../base/peer-address.js';
import type { LinkLimit } from '../links/link.js';
import { TokenBucket } from '../base/token-bucket.js';

/** Who has missed longest ago is forgotten first: a flood from everywhere costs no more memory than this. */
const MOST_SOURCES = 10_000;
/** More at once of one blob are no domain and no cache that fetches in parts. */
const FETCHES_PER_ID = 16;

export class FetchGuard {
  readonly #clock: Clock;
  readonly #missesPerMinute: number;
  /** In the order of the last miss. */
  readonly #sources = new Map<string, TokenBucket>();
  readonly #underWay = new Map<string, number>();
  /** Turned away since the start: sources that miss too often, and fetches of what is fetched too often at once. */
  #missers = 0;
  #crowds = 0;

  /** @param missesPerMinute 0: as many as they like, where a cache in front has one address for everybody. */
  constructor(clock: Clock, missesPerMinute: number) {
    this.#clock = clock;
    this.#missesPerMinute = missesPerMinute;
  }

  /** False for a source that has missed too often. This machine itself never does: a cache or proxy on it speaks for many. */
  allows(address: string): boolean {
    const allowed = this.#sources.get(addressGroup(address))?.hasOne() ?? true;
    if (!allowed) this.#missers += 1;
    return allowed;
  }

  missed(address: string): void {
    const source = addressGroup(address);
    if (this.#missesPerMinute === 0 || source === '' || isLoopbackHost(source) || isLoopbackHost(address)) return;
    const bucket = this.#sources.get(source) ?? new TokenBucket(this.#clock, this.#missesPerMinute, this.#missesPerMinute / 60);
    bucket.take();
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > MOST_SOURCES && oldest !== undefined) this.#sources.delete(oldest);
  }

  limits(): LinkLimit[] {
    return [
      { name: 'sources of misses', unit: 'count', used: this.#sources.size, most: MOST_SOURCES, refused: this.#missers },
      { name: 'fetches of one blob', unit: 'count', used: Math.max(0, ...this.#underWay.values()), most: FETCHES_PER_ID, refused: this.#crowds },
    ];
  }

  /** Begins to serve what has this tag, until the function it gives is called. Undefined when too many are served it now. */
  serve(tag: string): (() => void) | undefined {
    const count = this.#underWay.get(tag) ?? 0;
    if (count >= FETCHES_PER_ID) {
      this.#crowds += 1;
      return undefined;
    }
    this.#underWay.set(tag, count + 1);
    return () => {
      const left = (this.#underWay.get(tag) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(tag);
      else this.#underWay.set(tag, left);
    };
  }
}
