/** The unit that somebody waits for: until something of it has left, or it is given up, and then nothing of it will leave. */
import type { Outcome } from '../link.js';
import type { Departures } from './departures.js';

interface Pending {
  readonly unit: number;
  readonly untilMs: number;
  resolve(outcome: Outcome): void;
}

export class PendingUnit {
  readonly #departures: Departures;
  readonly #changed: () => void;
  #pending: Pending | undefined;

  /** @param changed called when one begins to be waited for, or is waited for no more */
  constructor(departures: Departures, changed: () => void) {
    this.#departures = departures;
    this.#changed = changed;
  }

  get isThere(): boolean {
    return this.#pending !== undefined;
  }

  /** When patience with it ends. */
  get untilMs(): number {
    return this.#pending?.untilMs ?? Number.POSITIVE_INFINITY;
  }

  async wait(unit: number, untilMs: number, signal: AbortSignal): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve) => {
      this.#pending = { unit, untilMs, resolve };
    });
    const onAbort = (): void => this.fail({ kind: 'unreachable', reason: 'the send was given up' });
    signal.addEventListener('abort', onAbort, { once: true });
    this.#changed();
    try {
      const found = await outcome;
      if (found.kind !== 'written') await this.#departures.drop(unit);
      return found;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Something of the unit has left. */
  left(unit: number): void {
    if (this.#pending?.unit === unit) this.#settle({ kind: 'written' });
  }

  /** The gateway may send it another way, unless something of it has left. */
  fail(outcome: Outcome): void {
    const pending = this.#pending;
    if (pending !== undefined && !this.#departures.hasLeft(pending.unit)) this.#settle(outcome);
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(outcome);
    this.#changed();
  }
}
