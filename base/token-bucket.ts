/** A token bucket: how much work outsiders may cause. Full at the start; refills with monotonic time. */
import type { Clock } from './clock.js';

export class TokenBucket {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledMs: number;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledMs = clock.monotonicMs();
  }

  /** Takes one token, or says that there is none. */
  take(): boolean {
    if (!this.hasOne()) return false;
    this.#tokens -= 1;
    return true;
  }

  hasOne(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * this.#perSecond);
    this.#filledMs = nowMs;
    return this.#tokens >= 1;
  }
}
