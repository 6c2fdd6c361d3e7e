/** The clock of one machine in the simulation: true time with an error of its own, until the machine goes down. */
import type { Clock, Timer } from '../base/clock.js';
import type { EventQueue } from './event-queue.js';

export const US_PER_MS = 1000;
export const US_PER_SEC = 1_000_000;

/** True time, which only the simulator knows. */
export interface TrueTime {
  readonly nowUs: number;
  /** Unix time at the start of the run, milliseconds. */
  readonly startMs: number;
  readonly queue: EventQueue;
}

/** What is wrong with the clock of a machine; outlives restarts. */
export interface ClockError {
  /** How far the wall clock is ahead of the truth. */
  offsetMs: number;
  /** By how much the machine's quartz is too fast, in millionths. */
  driftPpm: number;
}

export class SimClock implements Clock {
  readonly #time: TrueTime;
  readonly #error: ClockError;
  readonly #bootUs: number;
  #isDown = false;

  constructor(time: TrueTime, error: ClockError) {
    this.#time = time;
    this.#error = error;
    this.#bootUs = time.nowUs;
  }

  nowMs(): number {
    const trueMs = this.#time.nowUs / US_PER_MS;
    return Math.floor(this.#time.startMs + trueMs + this.#error.offsetMs + trueMs * this.#error.driftPpm * 1e-6);
  }

  monotonicMs(): number {
    return ((this.#time.nowUs - this.#bootUs) / US_PER_MS) * (1 + this.#error.driftPpm * 1e-6);
  }

  timer(delayMs: number, run: () => void): Timer {
    const trueUs = Math.ceil((Math.max(delayMs, 0) * US_PER_MS) / (1 + this.#error.driftPpm * 1e-6));
    const event = this.#time.queue.add(this.#time.nowUs + trueUs, () => {
      if (!this.#isDown) run();
    });
    return {
      cancel: () => {
        event.isTakenBack = true;
      },
    };
  }

  /** The machine stopped: none of its timers runs any more. */
  goDown(): void {
    this.#isDown = true;
  }
}
