/** A wait that can be cut short: by the time, by a ring, or by the end of everything. A ring before the wait is not lost. */
import { sleep } from '../base/clock.js';
import type { Clock } from '../base/clock.js';

export class Alarm {
  readonly #clock: Clock;
  #ringing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#ringing.abort();
  }

  /** One waiter at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, ms, AbortSignal.any([this.#ringing.signal, signal]));
    this.#ringing = new AbortController();
  }
}
