/**
 * The time of a scenario, kept by the clock of this machine: as fast as that, or so many times faster. What happens at its
 * time counts as happening then, however late the machine is, so that delays do not add up; how late it was is noted.
 */
import type { Clock, Timer } from '../base/clock.js';
import { EventQueue } from './event-queue.js';
import type { PendingEvent } from './event-queue.js';
import { Lateness } from './lateness.js';
import { US_PER_MS } from './sim-clock.js';
import type { TrueTime } from './sim-clock.js';

export interface RelayTimeOptions {
  readonly clock: Clock;
  /** Seconds of the scenario in one of this machine. */
  readonly scale: number;
  /** When the scenario begins, by the wall clock of this machine. Nothing gets through before. */
  readonly beginsMs: number;
  /** What the scenario calls its beginning. */
  readonly startMs: number;
}

/** After so many events sockets get their turn. */
const EVENTS_AT_ONCE = 1000;
/** How often the machine is asked how late it is to notice anything. */
const PROBE_MS = 10;

export class RelayTime implements TrueTime {
  readonly startMs: number;
  readonly scale: number;
  readonly queue: EventQueue;
  /** Of what was to be handed on. */
  readonly handedOn = new Lateness();
  /** Of the machine in noticing what comes in, as a timer that does nothing else sees it. */
  readonly noticed = new Lateness();
  readonly #clock: Clock;
  readonly #zeroMs: number;
  #eventUs: number | undefined;
  #timer: Timer | undefined;
  #timerUs = Number.POSITIVE_INFINITY;
  #probe: Timer | undefined;
  #isStopped = false;

  constructor({ clock, scale, beginsMs, startMs }: RelayTimeOptions) {
    this.#clock = clock;
    this.scale = scale;
    this.startMs = startMs;
    this.#zeroMs = clock.monotonicMs() + beginsMs - clock.nowMs();
    this.queue = new WakingQueue((timeUs) => this.#wakeAt(timeUs));
    this.#ask();
  }

  /** Negative before the scenario begins. While an event happens: its own time. */
  get nowUs(): number {
    return this.#eventUs ?? this.#clockUs();
  }

  /** Does something as if it were this time. */
  asOf(timeUs: number, run: () => void): void {
    this.#happen(timeUs, run);
    this.#wake();
  }

  /** Something that was due at this time has been handed on. */
  done(dueUs: number): void {
    this.handedOn.add(this.realMs(Math.max(0, this.#clockUs() - dueUs)));
  }

  /** How long so much of the scenario is on this machine. */
  realMs(us: number): number {
    return us / US_PER_MS / this.scale;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#probe?.cancel();
  }

  #clockUs(): number {
    return Math.round((this.#clock.monotonicMs() - this.#zeroMs) * US_PER_MS * this.scale);
  }

  #wakeAt(timeUs: number): void {
    if (this.#eventUs !== undefined || timeUs >= this.#timerUs || this.#isStopped) return;
    this.#timer?.cancel();
    this.#timerUs = timeUs;
    // Timers of this system are in whole milliseconds, and one that is early would be of no use.
    this.#timer = this.#clock.timer(Math.ceil(this.realMs(timeUs - this.#clockUs())), () => this.#run());
  }

  #run(): void {
    this.#timerUs = Number.POSITIVE_INFINITY;
    let left = EVENTS_AT_ONCE;
    for (let nextUs = this.queue.nextUs(); nextUs !== undefined && nextUs <= this.#clockUs() && left > 0 && !this.#isStopped; nextUs = this.queue.nextUs()) {
      const event = this.queue.take() as PendingEvent;
      this.#happen(event.timeUs, event.run);
      left -= 1;
    }
    this.#wake();
  }

  #happen(timeUs: number, run: () => void): void {
    this.#eventUs = timeUs;
    try {
      run();
    } finally {
      this.#eventUs = undefined;
    }
  }

  #wake(): void {
    const nextUs = this.queue.nextUs();
    if (nextUs !== undefined) this.#wakeAt(nextUs);
  }

  #ask(): void {
    if (this.#isStopped) return;
    const dueMs = this.#clock.monotonicMs() + PROBE_MS;
    this.#probe = this.#clock.timer(PROBE_MS, () => {
      this.noticed.add(Math.max(0, this.#clock.monotonicMs() - dueMs));
      this.#ask();
    });
  }
}

class WakingQueue extends EventQueue {
  readonly #onAdd: (timeUs: number) => void;

  constructor(onAdd: (timeUs: number) => void) {
    super();
    this.#onAdd = onAdd;
  }

  override add(timeUs: number, run: () => void): PendingEvent {
    const event = super.add(timeUs, run);
    this.#onAdd(timeUs);
    return event;
  }
}
