/**
 * How slowly the other side of a connection may go. Every wait for it is taken from an allowance, and
 * every byte that moves adds to it: who sends or reads a byte now and then, to keep a connection
 * busy for nothing, is cut off; who is slow but steady is not.
 */
import type { Clock, Timer } from '../base/clock.js';

export interface PaceLimits {
  /** The allowance at the start. */
  readonly firstMs: number;
  /** The largest allowance, whatever has moved. */
  readonly mostMs: number;
  /** What a byte adds is the time it takes at this rate. */
  readonly slowestBytesPerMs: number;
}

/** 8 kbit/s: slower lines have links of their own. */
export const DEFAULT_PACE: PaceLimits = { firstMs: 30_000, mostMs: 120_000, slowestBytesPerMs: 1 };

export class Pace {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  readonly #onLate: () => void;
  #allowanceMs: number;
  #waitingSinceMs: number | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, limits: PaceLimits, onLate: () => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onLate = onLate;
    this.#allowanceMs = limits.firstMs;
  }

  /** From now on we wait for the other side. */
  wait(): void {
    this.end();
    this.#waitingSinceMs = this.#clock.monotonicMs();
    this.#timer = this.#clock.timer(this.#allowanceMs, this.#onLate);
  }

  /** The wait has ended, and so many bytes have moved. */
  moved(bytes: number): void {
    this.end();
    this.#allowanceMs = Math.min(this.#limits.mostMs, this.#allowanceMs + bytes / this.#limits.slowestBytesPerMs);
  }

  /** The wait has ended. */
  end(): void {
    this.#timer?.cancel();
    if (this.#waitingSinceMs === undefined) return;
    this.#allowanceMs -= this.#clock.monotonicMs() - this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
  }
}
