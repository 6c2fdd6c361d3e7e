/**
 * What is to happen, in order of time, and of asking where times are equal. Times are whole microseconds in a double,
 * which is exact for 285 years. A binary heap on typed arrays; taking an event back marks it, and it is dropped when its time comes.
 */
import assert from 'node:assert';

export interface PendingEvent {
  readonly timeUs: number;
  readonly run: () => void;
  isTakenBack: boolean;
}

const FIRST_ROOM = 1024;

export class EventQueue {
  #times = new Float64Array(FIRST_ROOM);
  #sequences = new Float64Array(FIRST_ROOM);
  #events: (PendingEvent | undefined)[] = [];
  #length = 0;
  #asked = 0;

  /** Events in the heap, those taken back included. */
  get length(): number {
    return this.#length;
  }

  add(timeUs: number, run: () => void): PendingEvent {
    assert(Number.isSafeInteger(timeUs), 'an event happens at a whole microsecond');
    if (this.#length === this.#times.length) this.#grow();
    const event = { timeUs, run, isTakenBack: false };
    this.#rise(this.#length++, timeUs, this.#asked++, event);
    return event;
  }

  /** When the next event happens; undefined where there is none. */
  nextUs(): number | undefined {
    this.#skipTakenBack();
    return this.#length === 0 ? undefined : this.#times[0];
  }

  take(): PendingEvent | undefined {
    this.#skipTakenBack();
    return this.#length === 0 ? undefined : this.#pop();
  }

  #skipTakenBack(): void {
    while (this.#length > 0 && this.#events[0]?.isTakenBack === true) this.#pop();
  }

  #pop(): PendingEvent {
    const first = this.#events[0] as PendingEvent;
    const last = --this.#length;
    const event = this.#events[last] as PendingEvent;
    this.#events[last] = undefined;
    if (last > 0) this.#sink(this.#times[last]!, this.#sequences[last]!, event);
    return first;
  }

  #rise(at: number, timeUs: number, sequence: number, event: PendingEvent): void {
    let child = at;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isAfter(parent, timeUs, sequence)) break;
      this.#move(parent, child);
      child = parent;
    }
    this.#put(child, timeUs, sequence, event);
  }

  #sink(timeUs: number, sequence: number, event: PendingEvent): void {
    let parent = 0;
    for (let child = 1; child < this.#length; child = 2 * parent + 1) {
      if (child + 1 < this.#length && this.#isAfter(child, this.#times[child + 1]!, this.#sequences[child + 1]!)) child += 1;
      if (this.#isAfter(child, timeUs, sequence)) break;
      this.#move(child, parent);
      parent = child;
    }
    this.#put(parent, timeUs, sequence, event);
  }

  #isAfter(at: number, timeUs: number, sequence: number): boolean {
    const time = this.#times[at]!;
    return time > timeUs || (time === timeUs && this.#sequences[at]! > sequence);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#sequences[from]!, this.#events[from] as PendingEvent);
  }

  #put(at: number, timeUs: number, sequence: number, event: PendingEvent): void {
    this.#times[at] = timeUs;
    this.#sequences[at] = sequence;
    this.#events[at] = event;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    times.set(this.#times);
    this.#times = times;
    const sequences = new Float64Array(2 * this.#sequences.length);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
  }
}
