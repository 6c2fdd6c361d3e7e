/** When a connection may be tried again. RFC 9174 §4.1 forbids to overwhelm the peer, whoever asks for the attempt. */
import { backoffMs, type Backoff } from '../../base/backoff.js';
import type { Random } from '../../base/random.js';

export class Reconnect {
  readonly #law: Backoff;
  readonly #random: Random;
  /** Since the last sign of life. */
  #attempts = 0;
  #notBeforeMs = -Infinity;

  constructor(law: Backoff, random: Random) {
    this.#law = law;
    this.#random = random;
  }

  /** How long to wait before the next attempt; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** An attempt begins: the next has to wait, the longer the more failed in a row. */
  attempt(nowMs: number): void {
    this.#attempts++;
    this.#notBeforeMs = nowMs + backoffMs(this.#law, this.#attempts, this.#random);
  }

  /** The peer is alive. A session that ends at once does not come back at once all the same. */
  signOfLife(nowMs: number): void {
    this.#attempts = 0;
    this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs + this.#law.firstMs);
  }
}
