/**
 * Time, handed in. Nothing else in postern reads a clock or sets a timer, so that the simulator can
 * run the same code on a clock of its own.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May be wrong, may jump. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Runs `run` once after `delayMs`. A pending timer does not keep the process alive. */
  timer(delayMs: number, run: () => void): Timer;
}

/** setTimeout holds its delay in a signed 32-bit integer and fires at once beyond it. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  timer(delayMs, run) {
    const handle = setTimeout(run, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Keeps the process from ending until the function it gives is called: a command that only waits for a timer has
 * nothing else that would.
 */
export function stayAlive(): () => void {
  const handle = setInterval(() => undefined, LONGEST_TIMER_MS);
  return () => clearInterval(handle);
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = clock.timer(delayMs, wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** A clock that moves only when told: for tests. Timers fire in order of their due time, then of their setting. */
export class ManualClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #timers = new Set<{ dueMs: number; order: number; run: () => void }>();

  constructor(nowMs = 1_800_000_000_000) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  timer(delayMs: number, run: () => void): Timer {
    const entry = { dueMs: this.#elapsedMs + Math.max(delayMs, 0), order: this.#order++, run };
    this.#timers.add(entry);
    return { cancel: () => this.#timers.delete(entry) };
  }

  /** Lets `ms` pass, firing what falls due on the way. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#moveTo(next.dueMs);
      next.run();
    }
    this.#moveTo(endMs);
  }

  /** Sets the wall clock as an operator or a bad time server would: elapsed time does not notice. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  #moveTo(elapsedMs: number): void {
    this.#nowMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }

  #next(endMs: number): { dueMs: number; order: number; run: () => void } | undefined {
    let first: { dueMs: number; order: number; run: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (first === undefined || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
