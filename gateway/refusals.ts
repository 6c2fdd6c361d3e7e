/** Who was refused what, and who refuses us, since the start: for the status. Destinations stand here that a quota was asked about. */
import type { RefusalCode } from '../wire/refusal.js';

export interface RefusedStatus {
  readonly peer: string;
  /** given: we have refused its records; got: it has refused ours. */
  readonly way: 'given' | 'got';
  readonly code: RefusalCode;
  readonly count: number;
  readonly lastMs: number;
}

/** Destinations whose quota is looked at, the latest asked about. */
const MOST_DESTINATIONS = 64;

export class Refusals {
  readonly #counts = new Map<string, RefusedStatus>();
  readonly #destinations = new Map<string, number>();

  given(peer: string, code: RefusalCode, destination: string, nowMs: number): void {
    this.#count(peer, 'given', code, nowMs);
    if (code !== 'quota') return;
    const count = (this.#destinations.get(destination) ?? 0) + 1;
    this.#destinations.delete(destination);
    this.#destinations.set(destination, count);
    const [oldest] = this.#destinations.keys();
    if (oldest !== undefined && this.#destinations.size > MOST_DESTINATIONS) this.#destinations.delete(oldest);
  }

  got(peer: string, code: RefusalCode, nowMs: number): void {
    this.#count(peer, 'got', code, nowMs);
  }

  /** How many records were refused for a quota, by destination. */
  destinations(): ReadonlyMap<string, number> {
    return this.#destinations;
  }

  all(): RefusedStatus[] {
    return [...this.#counts.values()];
  }

  #count(peer: string, way: RefusedStatus['way'], code: RefusalCode, lastMs: number): void {
    const key = `${peer} ${way} ${code}`;
    this.#counts.set(key, { peer, way, code, count: (this.#counts.get(key)?.count ?? 0) + 1, lastMs });
  }
}
