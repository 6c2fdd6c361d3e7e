/** When a connection may be tried again: RFC 9174 §4.1 forbids to overwhelm the peer. Doubled with jitter up to a cap, reset by a sign of life. */
import type { Random } from '../../base/random.js';

export interface ReconnectOptions {
  readonly firstMs: number;
  readonly capMs: number;
}

/** Neighbours that fell silent together do not come back together. */
const JITTER = 0.2;

export class Reconnect {
  readonly #options: ReconnectOptions;
  readonly #random: Random;
  #delayMs: number;
  #notBeforeMs = -Infinity;

  constructor(options: ReconnectOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#delayMs = options.firstMs;
  }

  /** How long to wait before the next attempt; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** An attempt begins: the next has to wait, the longer the more failed in a row. */
  attempt(nowMs: number): void {
    const jitter = 1 - JITTER + 2 * JITTER * this.#random.fraction();
    this.#notBeforeMs = nowMs + Math.min(this.#options.capMs, this.#delayMs * jitter);
    this.#delayMs = Math.min(this.#options.capMs, 2 * this.#delayMs);
  }

  /** The peer is alive. What the last attempt set is kept, so that a session that ends at once does not come back at once. */
  signOfLife(nowMs: number): void {
    this.#delayMs = this.#options.firstMs;
    this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs + this.#options.firstMs);
  }
}
