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

  constructor(clock: Clock, options: ClockTrustOptions) {
    this.#clock = clock;
    this.#options = options;
    const wallMs = clock.nowMs();
    const highWaterMs = Math.max(options.highWaterMs ?? 0, EARLIEST_MS);
    if (wallMs < highWaterMs - SLACK_MS) this.#doubt = 'behind';
    else if (options.source === 'peers') this.#doubt = 'unconfirmed';
    else if (options.highWaterMs !== undefined && wallMs > highWaterMs + options.leapMs) this.#doubt = 'leapt';
    this.#baseMs = this.#doubt === undefined ? wallMs : this.#doubt === 'unconfirmed' ? Math.max(wallMs, highWaterMs) : highWaterMs;
    this.#baseMonotonicMs = clock.monotonicMs();
  }

  /** Compares the machine's clock with elapsed time. Call it often: a jump is only seen between two calls. */
  check(): void {
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

  /** A second source: the signed time of a neighbour, a GPS, the operator (who also may set it). */
  confirm(otherMs: number, source: string): void {
    if (this.#doubt === undefined) return;
    if (Math.abs(this.#clock.nowMs() - otherMs) <= AGREEMENT_MS) this.#believe(source);
  }

  get trusted(): boolean {
    return this.#doubt === undefined;
  }

  /** The time to go by: the machine's clock, or while it is in doubt the last believed time plus what has elapsed. */
  nowMs(): number {
    return this.#doubt === undefined ? this.#clock.nowMs() : this.#elapsedFromBase();
  }

  /** What to keep on disk. */
  get highWaterMs(): number {
    return Math.max(this.#options.highWaterMs ?? 0, Math.floor(this.nowMs()));
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

  #elapsedFromBase(): number {
    return this.#baseMs + (this.#clock.monotonicMs() - this.#baseMonotonicMs);
  }

  #enterDoubt(doubt: ClockDoubt): void {
    this.#rebase(this.#elapsedFromBase());
    this.#doubt = doubt;
    this.#confirmedBy = undefined;
  }

  #believe(source: string): void {
    this.#doubt = undefined;
    this.#confirmedBy = source;
    this.#rebase(this.#clock.nowMs());
  }

  #rebase(nowMs: number): void {
    this.#baseMs = nowMs;
    this.#baseMonotonicMs = this.#clock.monotonicMs();
  }
}
