/** Calls the gateway's tick when something is due, when something has arrived, and at least every minute. Timers are only wake-ups: what is due is in the store. */
import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Gateway } from './gateway.js';

/** Expiry and the clock are looked at this often, whatever else happens. */
const LONGEST_SLEEP_MS = 60_000;
/** After a tick that failed (a disk in trouble), the next one waits. */
const AFTER_FAULT_MS = 5000;

export class Schedule {
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #longestSleepMs: number;
  #timer: Timer | undefined;
  #ticking: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(gateway: Gateway, clock: Clock, longestSleepMs = LONGEST_SLEEP_MS) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#longestSleepMs = longestSleepMs;
  }

  start(): void {
    this.#gateway.onWake = () => this.#wake();
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#gateway.onWake = undefined;
    this.#timer?.cancel();
    await this.#ticking;
  }

  #wake(): void {
    this.#again = true;
    if (this.#stopped || this.#ticking !== undefined) return;
    this.#ticking = this.#run().finally(() => {
      this.#ticking = undefined;
    });
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    let waitMs = this.#longestSleepMs;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      waitMs = await this.#tick();
    }
    if (!this.#stopped) this.#timer = this.#clock.timer(waitMs, () => this.#wake());
  }

  /** Gives the time until the next tick. */
  async #tick(): Promise<number> {
    const { trust, log } = this.#gateway.context;
    try {
      const nextMs = await this.#gateway.tick();
      return nextMs === undefined ? this.#longestSleepMs : Math.min(Math.max(nextMs - trust.nowMs(), 0), this.#longestSleepMs);
    } catch (thrown) {
      log.error('a tick failed', { reason: messageOf(thrown) });
      return AFTER_FAULT_MS;
    }
  }
}
