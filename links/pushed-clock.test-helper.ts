/** The clock of this machine, which a test may put forward: for what runs on real sockets and programs. */
import { systemClock } from '../base/clock.js';
import type { Clock, Timer } from '../base/clock.js';

export class PushedClock implements Clock {
  readonly #timers = new Map<object, { readonly dueMs: number; readonly timer: Timer; readonly run: () => void }>();
  #pushedMs = 0;

  nowMs(): number {
    return systemClock.nowMs() + this.#pushedMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#pushedMs;
  }

  timer(delayMs: number, run: () => void): Timer {
    const key = {};
    const fire = (): void => {
      if (this.#timers.delete(key)) run();
    };
    const timer = systemClock.timer(delayMs, fire);
    this.#timers.set(key, { dueMs: this.monotonicMs() + delayMs, timer, run: fire });
    return {
      cancel: () => {
        timer.cancel();
        this.#timers.delete(key);
      },
    };
  }

  push(ms: number): void {
    this.#pushedMs += ms;
    for (const { dueMs, timer, run } of [...this.#timers.values()]) {
      if (dueMs > this.monotonicMs()) continue;
      timer.cancel();
      run();
    }
  }
}
