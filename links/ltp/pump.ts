/**
 * What moves an LTP link: sends segments as far as the contact and its rate allow, and rings when the first of all
 * timers of its sessions does. It knows neither; it asks for the next segment, and for the next time.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { Light } from './contacts.js';
import type { Datagrams } from './datagrams.js';
import { DATAGRAM_OVERHEAD_BYTES, Pace } from './pace.js';

export interface Outgoing {
  readonly parts: readonly Uint8Array[];
  /** It has left. @returns when to ring, if this changes it */
  sent(nowMs: number): number | undefined;
}

export interface PumpOptions {
  readonly clock: Clock;
  readonly light: Light;
  readonly datagrams: Pick<Datagrams, 'send'>;
  readonly segmentBytes: number;
  /** The next segment; undefined while there is none. */
  next(): Outgoing | undefined;
  /** Time has passed. @returns when to ring next */
  tick(nowMs: number): number;
}

export class Pump {
  readonly #options: PumpOptions;
  readonly #pace: Pace;
  readonly #datagramBytes: number;
  #running = false;
  #pumping = false;
  #pauser: Timer | undefined;
  #waker: { readonly atMs: number; readonly timer: Timer } | undefined;
  sentBytes = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#datagramBytes = options.segmentBytes + DATAGRAM_OVERHEAD_BYTES;
    this.#pace = new Pace(this.#datagramBytes, options.clock.monotonicMs());
  }

  start(): void {
    this.#running = true;
    this.#tick();
  }

  stop(): void {
    this.run();
    this.#running = false;
    this.#waker?.timer.cancel();
    this.#waker = undefined;
    this.#pauser?.cancel();
    this.#pauser = undefined;
  }

  /** There may be something to send. */
  run(): void {
    if (!this.#running || this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#sendOne());
    } finally {
      this.#pumping = false;
    }
  }

  /** All timers of sessions are one: it rings when the first of them does. */
  wakeBy(atMs: number): void {
    if (!this.#running || atMs === Infinity || (this.#waker !== undefined && this.#waker.atMs <= atMs)) return;
    const { clock } = this.#options;
    this.#waker?.timer.cancel();
    // A whole millisecond later than asked for rather than a fraction too early.
    this.#waker = { atMs, timer: clock.timer(Math.ceil(atMs - clock.monotonicMs()), () => this.#tick()) };
  }

  #tick(): void {
    this.#waker = undefined;
    this.wakeBy(this.#options.tick(this.#options.clock.monotonicMs()));
    this.run();
  }

  #sendOne(): boolean {
    const { clock, light, datagrams } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!light.isOpen()) {
      this.wakeBy(light.nextChangeMs());
      return false;
    }
    const waitMs = this.#pace.waitMs(this.#datagramBytes, light.rateBytesPerSec, nowMs);
    if (waitMs > 0) {
      this.#pauser ??= clock.timer(Math.ceil(waitMs), () => {
        this.#pauser = undefined;
        this.run();
      });
      return false;
    }
    const outgoing = this.#options.next();
    if (outgoing === undefined) return false;
    const bytes = outgoing.parts.reduce((sum, part) => sum + part.length, 0);
    this.#pace.spend(bytes + DATAGRAM_OVERHEAD_BYTES);
    this.sentBytes += bytes;
    datagrams.send(outgoing.parts);
    const dueMs = outgoing.sent(nowMs);
    if (dueMs !== undefined) this.wakeBy(dueMs);
    return true;
  }
}
