/** A sleep that can be ended from outside. Who is woken while awake does not sleep the next time. */
import type { Clock } from '../../base/clock.js';

export class Alarm {
  readonly #clock: Clock;
  #woken = false;
  #wake: (() => void) | undefined;
  #watchers: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** For the one who works: until `ms` have passed, or somebody wakes it. */
  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.timer(ms, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#woken = false;
  }

  /** For those who look on: until the next wake, `ms` have passed, or the signal comes. */
  async watch(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.timer(ms, resolve);
      const end = (): void => {
        timer.cancel();
        resolve();
      };
      this.#watchers.push(end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
