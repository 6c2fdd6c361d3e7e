/**
 * One direction of a link, as physics has it: when it works, how fast, how far, and what it does to what is sent. A link
 * that is `reliable` repeats lost segments by itself while the contact lasts, as TCP and LTP do; one that is not loses the unit.
 */
import type { EventQueue, PendingEvent } from './event-queue.js';
import { Losses } from './losses.js';
import type { LossModel } from './losses.js';
import type { Pace } from './pace.js';
import type { Stream } from './streams.js';
import type { Window, Windows } from './windows.js';

export interface ChannelModel {
  readonly reliable: boolean;
  readonly bitsPerSec: number;
  /** Where the rate changes in time; a window with a rate of its own keeps it. */
  readonly pace?: Pace;
  /** Light time for what leaves at this time. */
  delayUs(leavesUs: number): number;
  readonly windows: Windows;
  readonly loss: LossModel;
  readonly corruptProbability: number;
  readonly duplicateProbability: number;
  /** What is held up comes this much later, and others pass it. */
  readonly reorderProbability: number;
  readonly reorderUs: number;
  /** Everything that goes in one window is lost together: a stick in a coat that never came. */
  readonly windowLossProbability: number;
}

export interface ChannelStatistics {
  units: number;
  bytes: number;
  arrivedUnits: number;
  arrivedBytes: number;
  lostUnits: number;
  lostBytes: number;
  corruptedUnits: number;
  corruptedBytes: number;
  duplicatedBytes: number;
  /** Sent again by the link itself. */
  repeatedBytes: number;
  refusedAttempts: number;
  cutUnits: number;
  /** What had been sent of units that were cut off: not among `bytes`. */
  cutBytes: number;
  busyUs: number;
}

/** What became of a unit, for its sender. */
export type Sent =
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'written' }
  | { readonly kind: 'answered'; readonly taken: boolean; readonly code?: string; readonly retryAfterMs?: number };

/** A unit that has left for good. */
export interface LeftUnit {
  readonly bytes: Uint8Array;
  readonly leftUs: number;
  readonly busyUs: number;
  readonly window: Window;
  /** When its last byte reaches the other end, unless it is lost. */
  readonly arrivesUs: number | undefined;
}

export type Arrive = (bytes: Uint8Array) => Promise<Sent & { readonly kind: 'answered' }> | undefined;

export interface ChannelTime {
  readonly nowUs: number;
  readonly queue: EventQueue;
}

const BITS_PER_BYTE = 8;
const US_PER_SEC = 1e6;
/** How long an end waits beyond the light time for an acknowledgement that does not come. */
const PATIENCE_US = 30 * US_PER_SEC;
/** A link that has repeated itself so often has lost its neighbour. */
const MOST_ROUNDS = 50;

/** A unit that has not left for good. */
export interface OnTheAir {
  readonly startUs: number;
  readonly endUs: number;
  readonly bytes: number;
  readonly event: PendingEvent;
  readonly done: (sent: Sent) => void;
}

export class Channel {
  readonly name: string;
  readonly model: ChannelModel;
  readonly statistics: ChannelStatistics = { units: 0, bytes: 0, arrivedUnits: 0, arrivedBytes: 0, lostUnits: 0, lostBytes: 0, corruptedUnits: 0, corruptedBytes: 0, duplicatedBytes: 0, repeatedBytes: 0, refusedAttempts: 0, cutUnits: 0, cutBytes: 0, busyUs: 0 };
  /** The other end, if somebody is there. */
  arrive: Arrive = () => undefined;
  /** Hears of every unit that has left. */
  onLeft: (unit: LeftUnit) => void = () => undefined;
  readonly #time: ChannelTime;
  readonly #chance: Stream;
  readonly #losses: Losses;
  readonly #onTheAir = new Set<OnTheAir>();
  #busyUntilUs = 0;
  #cutUntilUs = 0;
  #windowDrawn: { readonly startUs: number; readonly isLost: boolean } | undefined;

  constructor(name: string, model: ChannelModel, time: ChannelTime, chance: Stream) {
    this.name = name;
    this.model = model;
    this.#time = time;
    this.#chance = chance;
    this.#losses = new Losses(model.loss, chance);
  }

  /** The window that is open, or the next one. */
  window(): Window | undefined {
    const window = this.model.windows(Math.max(this.#time.nowUs, this.#cutUntilUs));
    return window === undefined || window.startUs >= this.#cutUntilUs ? window : { ...window, startUs: this.#cutUntilUs };
  }

  get isOpen(): boolean {
    const window = this.window();
    return window !== undefined && window.startUs <= this.#time.nowUs;
  }

  /** Breaks whatever is under way, and keeps the link down for a while. */
  cut(forUs: number): void {
    this.#cutUntilUs = Math.max(this.#cutUntilUs, this.#time.nowUs + forUs);
    for (const unit of this.#onTheAir) this.#cutOff(unit, 'cut in mid-transfer');
    this.#busyUntilUs = this.#time.nowUs;
  }

  /** The sender gives a unit up. What has left goes on, and nobody hears what becomes of it. */
  giveUp(unit: OnTheAir): void {
    if (!this.#onTheAir.has(unit)) return;
    this.#cutOff(unit, 'given up');
    // Those that wait behind it keep their time.
    if (this.#busyUntilUs === unit.endUs) this.#busyUntilUs = Math.max(unit.startUs, this.#time.nowUs);
  }

  /** One attempt. `back` says how long an answer takes on its way to the sender. Gives what is on its way now, or nothing where nothing is. */
  send(bytes: Uint8Array, backUs: () => number, done: (sent: Sent) => void): OnTheAir | undefined {
    const { nowUs, queue } = this.#time;
    const window = this.window();
    const startUs = Math.max(nowUs, this.#busyUntilUs);
    if (window === undefined || window.startUs > nowUs) return this.#refuse('no contact', done);
    const transferUs = this.#transferUs(bytes.length, window, startUs);
    const sendDelayUs = Math.ceil(window.delayUs ?? this.model.delayUs(startUs));
    const { takesUs, repeatedBytes, arrives } = this.#course(bytes.length, startUs, transferUs, sendDelayUs);
    const endUs = startUs + takesUs;
    // SABR counts the last byte: it leaves before the contact ends, and may arrive after it.
    if (endUs > window.endUs) return this.#refuse('the rest of the contact is too short', done);
    this.#busyUntilUs = endUs;
    const event = queue.add(endUs, () => {
      this.#onTheAir.delete(unit);
      this.#left(bytes.length, repeatedBytes, takesUs);
      this.#travel(bytes, window, { leftUs: endUs, busyUs: takesUs, arrives }, backUs, done);
    });
    const unit: OnTheAir = { startUs, endUs, bytes: bytes.length, event, done };
    this.#onTheAir.add(unit);
    return unit;
  }

  #cutOff(unit: OnTheAir, reason: string): void {
    this.#onTheAir.delete(unit);
    unit.event.isTakenBack = true;
    this.statistics.cutUnits += 1;
    this.statistics.cutBytes += Math.max(0, Math.floor((unit.bytes * (this.#time.nowUs - unit.startUs)) / (unit.endUs - unit.startUs)));
    unit.done({ kind: 'closed', reason });
  }

  #refuse(reason: string, done: (sent: Sent) => void): undefined {
    this.statistics.refusedAttempts += 1;
    done({ kind: 'closed', reason });
  }

  #transferUs(bytes: number, window: Window, startUs: number): number {
    const { pace, bitsPerSec } = this.model;
    const bits = bytes * BITS_PER_BYTE;
    return Math.ceil(pace !== undefined && window.bitsPerSec === undefined ? pace.transferUs(startUs, bits) : (bits * US_PER_SEC) / (window.bitsPerSec ?? bitsPerSec));
  }

  /** How long a unit takes to leave for good, and whether it gets there. */
  #course(bytes: number, startUs: number, transferUs: number, delayUs: number): { takesUs: number; repeatedBytes: number; arrives: boolean } {
    const segments = this.#losses.segments(bytes);
    let lost = this.#losses.lostOf(segments, startUs);
    if (!this.model.reliable) return { takesUs: transferUs, repeatedBytes: 0, arrives: lost === 0 };
    let takesUs = transferUs;
    let repeatedBytes = 0;
    for (let round = 0; lost > 0; round += 1) {
      if (round === MOST_ROUNDS) return { takesUs, repeatedBytes, arrives: false };
      takesUs += 2 * delayUs + Math.ceil((transferUs * lost) / segments);
      repeatedBytes += Math.ceil((bytes * lost) / segments);
      lost = this.#losses.lostOf(lost, startUs + takesUs);
    }
    return { takesUs, repeatedBytes, arrives: true };
  }

  #left(bytes: number, repeatedBytes: number, takesUs: number): void {
    this.statistics.units += 1;
    this.statistics.bytes += bytes + repeatedBytes;
    this.statistics.repeatedBytes += repeatedBytes;
    this.statistics.busyUs += takesUs;
  }

  #travel(bytes: Uint8Array, window: Window, course: { leftUs: number; busyUs: number; arrives: boolean }, backUs: () => number, done: (sent: Sent) => void): void {
    const { model, statistics } = this;
    const { queue } = this.#time;
    const { leftUs: endUs, busyUs } = course;
    const isLost = !course.arrives || this.#isWindowLost(window);
    const delayUs = Math.ceil(window.delayUs ?? model.delayUs(endUs));
    this.onLeft({ bytes, leftUs: endUs, busyUs, window, arrivesUs: isLost ? undefined : endUs + delayUs });
    if (isLost) {
      statistics.lostUnits += 1;
      statistics.lostBytes += bytes.length;
      if (model.reliable) queue.add(endUs + 2 * delayUs + PATIENCE_US, () => done({ kind: 'closed', reason: 'no acknowledgement' }));
      else done({ kind: 'written' });
      return;
    }
    const lateUs = this.#chance.chance(model.reorderProbability) ? Math.ceil(this.#chance.fraction() * model.reorderUs) : 0;
    const arriving = this.#chance.chance(model.corruptProbability) ? this.#corrupt(bytes) : bytes;
    queue.add(endUs + delayUs + lateUs, () => this.#reach(arriving, backUs, model.reliable ? done : undefined));
    if (!model.reliable) {
      done({ kind: 'written' });
      if (this.#chance.chance(model.duplicateProbability)) {
        statistics.duplicatedBytes += bytes.length;
        queue.add(endUs + delayUs + Math.ceil(this.#chance.fraction() * (model.reorderUs + US_PER_SEC)), () => this.#reach(bytes, backUs, undefined));
      }
    }
  }

  #reach(bytes: Uint8Array, backUs: () => number, done: ((sent: Sent) => void) | undefined): void {
    const { queue } = this.#time;
    const answer = this.arrive(bytes);
    if (answer === undefined) {
      this.statistics.lostUnits += 1;
      this.statistics.lostBytes += bytes.length;
      if (done !== undefined) queue.add(this.#time.nowUs + Math.ceil(backUs()) + PATIENCE_US, () => done({ kind: 'closed', reason: 'nobody is there' }));
      return;
    }
    this.statistics.arrivedUnits += 1;
    this.statistics.arrivedBytes += bytes.length;
    let isAnswered = false;
    void answer.then((sent) => {
      isAnswered = true;
      if (done !== undefined) queue.add(this.#time.nowUs + Math.ceil(backUs()), () => done(sent));
    });
    // Who crashes while dealing with it never answers.
    if (done !== undefined) queue.add(this.#time.nowUs + Math.ceil(backUs()) + 10 * PATIENCE_US, () => (isAnswered ? undefined : done({ kind: 'closed', reason: 'no answer' })));
  }

  #isWindowLost(window: Window): boolean {
    const probability = window.lostProbability ?? this.model.windowLossProbability;
    if (probability <= 0) return false;
    if (this.#windowDrawn?.startUs !== window.startUs) this.#windowDrawn = { startUs: window.startUs, isLost: this.#chance.chance(probability) };
    return this.#windowDrawn.isLost;
  }

  #corrupt(bytes: Uint8Array): Uint8Array {
    const corrupted = bytes.slice();
    const at = this.#chance.between(0, bytes.length - 1);
    corrupted[at] = (corrupted[at] ?? 0) ^ (1 << this.#chance.between(0, 7));
    this.statistics.corruptedUnits += 1;
    this.statistics.corruptedBytes += bytes.length;
    return corrupted;
  }
}
