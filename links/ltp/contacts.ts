/**
 * When the link works, and how long an answer takes: there and back at the speed of light, and as long as the far
 * end has to wait for a contact in between. The timers of RFC 5326 §6.5 are suspended by asking this.
 */
import type { Clock } from '../../base/clock.js';

/** The windows in which bytes move, in wall-clock time. Both ends are taken to have the same windows. */
export interface ContactSource {
  isOpen(atMs: number): boolean;
  /** When that changes next after `afterMs`; undefined: never. */
  nextChangeMs(afterMs: number): number | undefined;
  /** What the contact at `atMs` bears, where it is not what the link bears otherwise. */
  termsAt?(atMs: number): { readonly rateBytesPerSec: number; readonly lightTimeMs: number } | undefined;
}

export const ALWAYS_OPEN: ContactSource = { isOpen: () => true, nextChangeMs: () => undefined };

export interface LightOptions {
  readonly clock: Clock;
  readonly contacts: ContactSource;
  readonly rateBytesPerSec: number;
  readonly lightTimeMs: number;
  /** What the far end and the queues on the way may take beyond the light time. */
  readonly marginMs: number;
}

/** Windows looked through for one that is open. */
const WINDOWS = 1000;
/** A plan without a further contact may be changed: it is asked again so often. */
const ASK_AGAIN_MS = 3_600_000;
/** And so often what it says of now, which may be costly to find out. */
const LOOK_EVERY_MS = 1000;

/** All times that come in and go out are monotonic, so that a clock set right moves no timer. */
export class Light {
  readonly #options: LightOptions;
  #window = { fromMs: 0, endMs: 0, isOpen: false, rateBytesPerSec: 0 };

  constructor(options: LightOptions) {
    this.#options = options;
  }

  isOpen(): boolean {
    return this.#now().isOpen;
  }

  /** Of the contact that holds. */
  get rateBytesPerSec(): number {
    return this.#now().rateBytesPerSec;
  }

  /** When the link opens or closes next. */
  nextChangeMs(): number {
    const { clock, contacts } = this.#options;
    const changeMs = contacts.nextChangeMs(clock.nowMs());
    return changeMs === undefined ? clock.monotonicMs() + ASK_AGAIN_MS : this.#monotonic(changeMs);
  }

  /** When the answer to what leaves at `sentMs` is overdue. */
  answerDueMs(sentMs: number): number {
    const { clock, contacts, marginMs } = this.#options;
    const leavesMs = sentMs + clock.nowMs() - clock.monotonicMs();
    const lightTimeMs = contacts.termsAt?.(leavesMs)?.lightTimeMs ?? this.#options.lightTimeMs;
    const answeredMs = this.#nextOpenMs(leavesMs + lightTimeMs);
    return answeredMs === undefined ? clock.monotonicMs() + ASK_AGAIN_MS : this.#monotonic(answeredMs) + lightTimeMs + marginMs;
  }

  #now(): { readonly isOpen: boolean; readonly rateBytesPerSec: number } {
    const { clock, contacts, rateBytesPerSec } = this.#options;
    const nowMs = clock.nowMs();
    const { fromMs, endMs } = this.#window;
    if (nowMs >= fromMs && nowMs < endMs) return this.#window;
    const changeMs = contacts.nextChangeMs(nowMs) ?? Infinity;
    this.#window = { fromMs: nowMs, endMs: Math.min(changeMs, nowMs + LOOK_EVERY_MS), isOpen: contacts.isOpen(nowMs), rateBytesPerSec: contacts.termsAt?.(nowMs)?.rateBytesPerSec ?? rateBytesPerSec };
    return this.#window;
  }

  #nextOpenMs(fromMs: number): number | undefined {
    const { contacts } = this.#options;
    let atMs = fromMs;
    for (let window = 0; window < WINDOWS && !contacts.isOpen(atMs); window++) {
      const changeMs = contacts.nextChangeMs(atMs);
      if (changeMs === undefined || changeMs <= atMs) return undefined;
      atMs = changeMs;
    }
    return contacts.isOpen(atMs) ? atMs : undefined;
  }

  #monotonic(wallMs: number): number {
    const { clock } = this.#options;
    return wallMs - clock.nowMs() + clock.monotonicMs();
  }
}
