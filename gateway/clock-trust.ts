/**
 * What time it is, and whether to believe it (design.md §8). A Pi has no battery clock: after a power cut it
 * may wake in 1970 or in the future. A high-water time is kept on disk; a clock behind it, or far ahead of
 * it, is in doubt until a second source agrees. In doubt, time goes on from the high-water mark by monotonic
 * time, and nothing expires.
 */
import type { Clock } from '../base/clock.js';

export type ClockDoubt = 'behind' | 'leapt' | 'unconfirmed';

export interface ClockStatus {
  readonly trusted: boolean;
  readonly doubt?: ClockDoubt;
  /** The time postern goes by. */
  readonly nowMs: number;
  /** What the machine's clock says. */
  readonly wallMs: number;
  readonly confirmedBy?: string;
}

export interface ClockTrustOptions {
  readonly source: 'system' | 'peers';
  readonly leapMs: number;
  /** The latest time that was ever believed; undefined at the first start. */
  readonly highWaterMs?: number;
}

/** No gateway runs before this: 2026-01-01. A clock that says so was never set. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Clocks are stepped by a few seconds by any time daemon; that is not "behind". */
const SLACK_MS = 5 * 60_000;
/** Two clocks agree when they are this close; signed peer time is in seconds and may be minutes old on a slow link. */
const AGREEMENT_MS = 10 * 60_000;

export class ClockTrust {
  readonly #clock: Clock;
  readonly #options: ClockTrustOptions;
  #doubt: ClockDoubt | undefined;
  #confirmedBy: string | undefined;
  /** The last believed time, and the monotonic reading that goes with it. */
  #baseMs: number;
  #baseMonotonicMs: number;
  /** What is kept on disk is never earlier. */
  #keptMs: number;
  #fell = false;

  constructor(clock: Clock, options: ClockTrustOptions) {
    this.#clock = clock;
    this.#options = options;
    const wallMs = clock.nowMs();
    this.#keptMs = options.highWaterMs ?? 0;
    const highWaterMs = Math.max(this.#keptMs, EARLIEST_MS);
    if (wallMs < highWaterMs - SLACK_MS) this.#doubt = 'behind';
    else if (options.source === 'peers') this.#doubt = 'unconfirmed';
    else if (options.highWaterMs !== undefined && wallMs > highWaterMs + options.leapMs) this.#doubt = 'leapt';
    this.#baseMs = this.#doubt === undefined ? wallMs : this.#doubt === 'unconfirmed' ? Math.max(wallMs, highWaterMs) : highWaterMs;
    this.#baseMonotonicMs = clock.monotonicMs();
  }

  /** A second source: the signed time of a neighbour, a GPS, the operator (who also may set it). */
  confirm(otherMs: number, source: string): void {
    if (this.trusted) return;
    if (Math.abs(this.#clock.nowMs() - otherMs) <= AGREEMENT_MS) this.#believe(source);
  }

  get trusted(): boolean {
    this.#look();
    return this.#doubt === undefined;
  }

  /** The time to go by: the machine's clock, or while it is in doubt the last believed time plus what has elapsed. */
  nowMs(): number {
    this.#look();
    return this.#doubt === undefined ? this.#clock.nowMs() : this.#elapsedFromBase();
  }

  /** What to keep on disk. */
  get highWaterMs(): number {
    return Math.max(this.#keptMs, Math.floor(this.nowMs()));
  }

  /** True, once, after the time to go by has gone back: only a confirmation does that. */
  takeFall(): boolean {
    const fell = this.#fell;
    this.#fell = false;
    return fell;
  }

  /** Nothing goes by the later time any more. Until then that is kept, so that a restart in between needs the confirmation again. */
  forgetLater(): void {
    if (!this.#fell) this.#keptMs = 0;
  }

  status(): ClockStatus {
    return {
      trusted: this.trusted,
      ...(this.#doubt !== undefined && { doubt: this.#doubt }),
      nowMs: this.nowMs(),
      wallMs: this.#clock.nowMs(),
      ...(this.#confirmedBy !== undefined && { confirmedBy: this.#confirmedBy }),
    };
  }

  /** Compares the machine's clock with elapsed time, whenever anybody asks: a leap that is not seen yet would be taken for the time. */
  #look(): void {
    const wallMs = this.#clock.nowMs();
    const expectedMs = this.#elapsedFromBase();
    if (this.#doubt === undefined) {
      if (wallMs < expectedMs - SLACK_MS) this.#enterDoubt('behind');
      else if (wallMs > expectedMs + this.#options.leapMs) this.#enterDoubt('leapt');
      else this.#rebase(wallMs);
      return;
    }
    // A clock that was wrong and has been set right agrees with what we carried on by ourselves.
    if (this.#doubt !== 'unconfirmed' && Math.abs(wallMs - expectedMs) <= SLACK_MS && this.#options.source === 'system') this.#believe('the clock itself');
  }

  #elapsedFromBase(): number {
    return this.#baseMs + (this.#clock.monotonicMs() - this.#baseMonotonicMs);
  }

  #enterDoubt(doubt: ClockDoubt): void {
    this.#rebase(this.#elapsedFromBase());
    this.#doubt = doubt;
    this.#confirmedBy = undefined;
  }

  #believe(source: string): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#elapsedFromBase() - SLACK_MS) {
      this.#fell = true;
      this.#keptMs = Math.max(this.#keptMs, Math.floor(this.#elapsedFromBase()));
    }
    this.#doubt = undefined;
    this.#confirmedBy = source;
    this.#rebase(nowMs);
  }

  #rebase(nowMs: number): void {
    this.#baseMs = nowMs;
    this.#baseMonotonicMs = this.#clock.monotonicMs();
  }
}
