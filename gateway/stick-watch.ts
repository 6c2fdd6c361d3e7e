/**
 * Sticks served by themselves: when one with our folder has been mounted, it is imported from, and exported to where a neighbour is
 * reached by sticks; then it may be pulled out. Each is served once a mounting. A stick that no gateway has written to yet is
 * left alone: the first export to it is somebody's decision.
 */
import type { Clock, Timer } from '../base/clock.js';
import { isPosternError, messageOf } from '../base/errors.js';
import type { StickPlaces } from '../links/usb/stick-places.js';
import type { Log } from './log.js';
import type { StickErrand, StickOutcome, WatchStatus } from './stick-status.js';

export interface StickWatchParts {
  readonly folders: readonly string[];
  readonly lookEveryMs: number;
  readonly errand: StickErrand;
  readonly find: (folders: readonly string[]) => Promise<StickPlaces>;
  readonly serve: (errand: StickErrand, dir: string) => Promise<StickOutcome>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Seen {
  readonly mark: string;
  state: WatchStatus['sticks'][number]['state'];
  code?: string;
}

export class StickWatch {
  readonly #parts: StickWatchParts;
  readonly #seen = new Map<string, Seen>();
  #missing: readonly string[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: StickWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#lookAgain();
  }

  /** Looks no more. What is being served is ended by StickService.stop. Safe to call twice. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  status(): WatchStatus {
    return { folders: this.#parts.folders, missing: this.#missing, sticks: [...this.#seen].map(([dir, { state, code }]) => ({ dir, state, ...(code !== undefined && { code }) })) };
  }

  /** One look around, and what is to be served is served. A stick has to be there at two looks: a mounting takes its moment. */
  async look(): Promise<void> {
    const { find, folders, log } = this.#parts;
    const { sticks, missing } = await find(folders);
    this.#missing = missing;
    const marks = new Map(sticks.map(({ dir, mark }) => [dir, mark]));
    for (const [dir, { mark }] of this.#seen) {
      if (marks.get(dir) === mark) continue;
      this.#seen.delete(dir);
      log.info('a stick has gone', { reason: dir });
    }
    for (const { dir, mark } of sticks) {
      const seen = this.#seen.get(dir);
      if (seen === undefined) this.#seen.set(dir, { mark, state: 'new' });
      else if (seen.state === 'new' && !this.#stopped) await this.#serve(dir, seen);
    }
  }

  async #serve(dir: string, seen: Seen): Promise<void> {
    const { serve, errand, log } = this.#parts;
    log.info('a stick has come', { reason: dir });
    seen.state = 'serving';
    try {
      const { readOnly } = await serve(errand, dir);
      seen.state = 'served';
      log.info('a stick may be pulled out', { reason: dir, ...(readOnly && { code: 'read-only' }) });
    } catch (thrown) {
      const code = isPosternError(thrown) ? thrown.code : 'BUG';
      // Somebody serves one by hand: this one is next.
      seen.state = code === 'GATEWAY_STICK_BUSY' ? 'new' : 'failed';
      if (seen.state === 'new') return;
      seen.code = code;
      log.warn('a stick could not be served', { code, reason: messageOf(thrown) });
    }
  }

  async #lookAgain(): Promise<void> {
    const { clock, lookEveryMs, log } = this.#parts;
    await this.look().catch((thrown: unknown) => log.error('unexpected', { reason: messageOf(thrown) }));
    if (!this.#stopped) this.#timer = clock.timer(lookEveryMs, () => void this.#lookAgain());
  }
}
