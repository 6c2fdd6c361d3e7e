/**
 * One direction of a link between real daemons. What enters leaves in turn, at the link's rate and within its windows, and
 * arrives when light has had its time. Datagrams are lost, as they are on a radio: where there is no contact, where the queue is
 * full, and by chance. Of streams nothing is lost, since TCP would send it again: they wait for the next window.
 */
import type { ChannelModel } from './channel.js';
import type { PendingEvent } from './event-queue.js';
import { Losses } from './losses.js';
import type { RelayTime } from './relay-time.js';
import type { Stream } from './streams.js';
import type { Window } from './windows.js';

export interface WayStatistics {
  datagrams: number;
  arrivedDatagrams: number;
  /** By chance. */
  lostDatagrams: number;
  /** There was no contact, or the rest of one was too short. */
  closedDatagrams: number;
  cutDatagrams: number;
  /** The queue was full. */
  droppedDatagrams: number;
  corruptedDatagrams: number;
  duplicatedDatagrams: number;
  reorderedDatagrams: number;
  connections: number;
  brokenConnections: number;
  bytes: number;
  arrivedBytes: number;
}

export interface WayLimits {
  /** What waits to leave; datagrams beyond it are dropped. */
  readonly queueBytes: number;
  /** All that the relay holds of this way, under way included: beyond it datagrams are dropped, and no more is read of streams. */
  readonly lineBytes: number;
}

/** One direction of one connection: what belongs together and stays in order. */
export interface Flow {
  isOver: boolean;
  lastArrivalUs: number;
}

/** Hands on what has arrived. For streams, `taken` is called once the receiver has it, or never will. */
type Arrive = (bytes: Uint8Array, taken: () => void) => void;

interface Waiting {
  /** Absent for a datagram. */
  readonly flow: Flow | undefined;
  readonly sinceUs: number;
  readonly arrive: Arrive;
  /** What is left of it. Empty: a mark in a stream, which takes its place and no time. */
  bytes: Uint8Array;
}

const BITS_PER_BYTE = 8;
const US_PER_SEC = 1e6;
/** Streams leave in parts of at least a packet, and of at most so much that a change of the link is felt soon. */
const LEAST_PART_BYTES = 1400;
const MOST_PART_BYTES = 65_536;
const PART_MS = 2;
/** Bytes are not all that takes memory: so many datagrams and parts of streams at once, however small. */
const MOST_UNITS = 100_000;

export class RelayWay {
  readonly name: string;
  readonly limits: WayLimits;
  readonly statistics: WayStatistics = {
    datagrams: 0,
    arrivedDatagrams: 0,
    lostDatagrams: 0,
    closedDatagrams: 0,
    cutDatagrams: 0,
    droppedDatagrams: 0,
    corruptedDatagrams: 0,
    duplicatedDatagrams: 0,
    reorderedDatagrams: 0,
    connections: 0,
    brokenConnections: 0,
    bytes: 0,
    arrivedBytes: 0,
  };
  /** All that the relay holds for this way. */
  heldBytes = 0;
  #heldUnits = 0;
  readonly #time: RelayTime;
  readonly #chance: Stream;
  readonly #waiting: Waiting[] = [];
  readonly #paused = new Set<() => void>();
  #model: ChannelModel;
  #losses: Losses;
  #waitingBytes = 0;
  #freeUs = 0;
  #cutUntilUs = Number.NEGATIVE_INFINITY;
  /** The next step: what is leaving has left, or a window opens. */
  #next: PendingEvent | undefined;
  #isLeaving = false;

  constructor(name: string, model: ChannelModel, time: RelayTime, chance: Stream, limits: WayLimits) {
    this.name = name;
    this.limits = limits;
    this.#model = model;
    this.#time = time;
    this.#chance = chance;
    this.#losses = new Losses(model.loss, chance);
  }

  get model(): ChannelModel {
    return this.#model;
  }

  /** What leaves from now on goes by these terms; what is leaving or under way by those it left with. */
  set model(model: ChannelModel) {
    this.#model = model;
    this.#losses = new Losses(model.loss, this.#chance);
    this.#lookAgain();
  }

  /** The window that is open, or the next one. */
  window(atUs = this.#time.nowUs): Window | undefined {
    const window = this.#model.windows(Math.max(atUs, this.#cutUntilUs, 0));
    return window === undefined || window.startUs >= this.#cutUntilUs ? window : { ...window, startUs: this.#cutUntilUs };
  }

  get isOpen(): boolean {
    const window = this.window();
    return window !== undefined && window.startUs <= this.#time.nowUs;
  }

  get isCut(): boolean {
    return this.#cutUntilUs > this.#time.nowUs;
  }

  /** Loses the datagrams that wait or are leaving, and keeps the way closed for a while. */
  cut(forUs = Number.MAX_SAFE_INTEGER): void {
    this.#cutUntilUs = Math.min(Math.max(this.#cutUntilUs, this.#time.nowUs + forUs), Number.MAX_SAFE_INTEGER);
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      if (this.#waiting[index]?.flow !== undefined) continue;
      this.#lose(index, 'cutDatagrams');
    }
    this.#isLeaving = false;
    this.#freeUs = this.#time.nowUs;
    this.#lookAgain();
  }

  /** Ends a cut. */
  restore(): void {
    this.#cutUntilUs = Math.min(this.#cutUntilUs, this.#time.nowUs);
    this.#lookAgain();
  }

  datagram(bytes: Uint8Array, arrive: (bytes: Uint8Array) => void): void {
    const { statistics, limits } = this;
    statistics.datagrams += 1;
    statistics.bytes += bytes.length;
    if (!this.isOpen) {
      statistics.closedDatagrams += 1;
      return;
    }
    if (this.#heldUnits >= MOST_UNITS || this.#waitingBytes + bytes.length > limits.queueBytes || this.heldBytes + bytes.length > limits.lineBytes) {
      statistics.droppedDatagrams += 1;
      return;
    }
    this.#enter(undefined, bytes, arrive);
  }

  /** @param bytes none: a mark, such as the end, that keeps its place among them */
  stream(flow: Flow, bytes: Uint8Array, arrive: Arrive): void {
    this.statistics.bytes += bytes.length;
    this.#enter(flow, bytes, arrive);
  }

  get isFull(): boolean {
    return this.heldBytes >= this.limits.lineBytes || this.#heldUnits >= MOST_UNITS;
  }

  /** Calls `resume` once there is room again. */
  whenRoom(resume: () => void): void {
    this.#paused.add(resume);
  }

  #enter(flow: Flow | undefined, bytes: Uint8Array, arrive: Arrive): void {
    this.#hold(bytes.length);
    this.#waitingBytes += bytes.length;
    this.#waiting.push({ flow, bytes, sinceUs: this.#time.nowUs, arrive });
    if (this.#next === undefined) this.#step();
  }

  /** Something is different: what was to happen next may not be right any more. What has begun to leave does so. */
  #lookAgain(): void {
    if (this.#isLeaving) return;
    if (this.#next !== undefined) this.#next.isTakenBack = true;
    this.#next = undefined;
    this.#step();
  }

  /** Lets the first of those that wait begin to leave, or waits for the window in which it can. */
  #step(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { flow, bytes } = first;
      if (flow?.isOver === true) {
        this.#remove(0);
        this.#release(bytes.length);
        continue;
      }
      const startUs = Math.max(first.sinceUs, this.#freeUs);
      const window = this.window(startUs);
      const isOpen = window !== undefined && window.startUs <= startUs;
      if (flow === undefined) {
        if (isOpen && startUs + this.#transferUs(bytes.length, startUs, window) <= window.endUs) return this.#leave(first, bytes.length, startUs, window);
        this.#lose(0, 'closedDatagrams');
        continue;
      }
      if (window === undefined) return;
      const part = isOpen ? this.#partOf(bytes.length, startUs, window) : 0;
      if (isOpen && (part > 0 || bytes.length === 0)) return this.#leave(first, part, startUs, window);
      return this.#waitFor(isOpen ? this.window(window.endUs) : window);
    }
  }

  #partOf(bytes: number, startUs: number, window: Window): number {
    const bytesPerUs = this.#bitsPerSec(startUs, window) / BITS_PER_BYTE / US_PER_SEC;
    const most = Math.min(Math.max(bytesPerUs * PART_MS * 1000 * this.#time.scale, LEAST_PART_BYTES), MOST_PART_BYTES);
    const pace = window.bitsPerSec === undefined ? this.#model.pace : undefined;
    const meanPerUs = pace === undefined ? bytesPerUs : pace.meanBits(startUs, window.endUs) / BITS_PER_BYTE / US_PER_SEC;
    return Math.floor(Math.min(bytes, most, (window.endUs - startUs) * meanPerUs));
  }

  #waitFor(window: Window | undefined): void {
    if (window === undefined) return;
    this.#next = this.#at(Math.max(Math.ceil(window.startUs), this.#time.nowUs), () => {
      this.#next = undefined;
      this.#freeUs = Math.max(this.#freeUs, window.startUs);
      this.#step();
    });
  }

  #leave(first: Waiting, part: number, startUs: number, window: Window): void {
    const leavesUs = Math.ceil(startUs + this.#transferUs(part, startUs, window));
    this.#isLeaving = true;
    this.#next = this.#at(leavesUs, () => {
      this.#next = undefined;
      this.#isLeaving = false;
      this.#freeUs = leavesUs;
      const leaving = first.bytes.subarray(0, part);
      first.bytes = first.bytes.subarray(part);
      this.#waitingBytes -= part;
      if (first.bytes.length === 0) this.#waiting.shift();
      else this.#hold(0);
      const delayUs = Math.ceil(window.delayUs ?? this.#model.delayUs(leavesUs));
      if (first.flow === undefined) this.#travel(leaving, leavesUs, delayUs, first.arrive);
      else this.#flow(first.flow, leaving, leavesUs + delayUs, first.arrive);
      this.#step();
    });
  }

  #transferUs(bytes: number, startUs: number, window: Window): number {
    const { pace } = this.#model;
    if (bytes === 0) return 0;
    return Math.ceil(pace !== undefined && window.bitsPerSec === undefined ? pace.transferUs(startUs, bytes * BITS_PER_BYTE) : (bytes * BITS_PER_BYTE * US_PER_SEC) / this.#bitsPerSec(startUs, window));
  }

  #bitsPerSec(atUs: number, window: Window): number {
    return window.bitsPerSec ?? this.#model.pace?.rateAt(atUs) ?? this.#model.bitsPerSec;
  }

  #travel(bytes: Uint8Array, leavesUs: number, delayUs: number, arrive: Arrive): void {
    const { statistics } = this;
    const { corruptProbability, duplicateProbability, reorderProbability, reorderUs } = this.#model;
    const chance = this.#chance;
    if (this.#losses.lostOf(this.#losses.segments(bytes.length), leavesUs) > 0) {
      statistics.lostDatagrams += 1;
      this.#release(bytes.length);
      return;
    }
    const isHeldUp = chance.chance(reorderProbability);
    if (isHeldUp) statistics.reorderedDatagrams += 1;
    const arrivesUs = leavesUs + delayUs + (isHeldUp ? Math.ceil(chance.fraction() * reorderUs) : 0);
    const arriving = chance.chance(corruptProbability) ? this.#corrupt(bytes) : bytes;
    this.#arriveAt(arrivesUs, arriving, arrive);
    if (!chance.chance(duplicateProbability)) return;
    statistics.duplicatedDatagrams += 1;
    this.#hold(bytes.length);
    this.#arriveAt(leavesUs + delayUs + Math.ceil(chance.fraction() * (reorderUs + US_PER_SEC)), bytes, arrive);
  }

  #arriveAt(arrivesUs: number, bytes: Uint8Array, arrive: Arrive): void {
    this.#at(arrivesUs, () => {
      arrive(bytes, () => undefined);
      this.statistics.arrivedDatagrams += 1;
      this.statistics.arrivedBytes += bytes.length;
      this.#time.done(arrivesUs);
      this.#release(bytes.length);
    });
  }

  /** What belongs together stays in order, even when the way gets shorter. */
  #flow(flow: Flow, bytes: Uint8Array, arrivesUs: number, arrive: Arrive): void {
    flow.lastArrivalUs = Math.max(flow.lastArrivalUs, arrivesUs);
    const dueUs = flow.lastArrivalUs;
    this.#at(dueUs, () => {
      if (flow.isOver) return this.#release(bytes.length);
      this.statistics.arrivedBytes += bytes.length;
      arrive(bytes, () => this.#release(bytes.length));
      this.#time.done(dueUs);
    });
  }

  /** A delay of centuries is one that nobody waits for. */
  #at(timeUs: number, run: () => void): PendingEvent {
    return this.#time.queue.add(Math.min(timeUs, Number.MAX_SAFE_INTEGER), run);
  }

  #lose(index: number, why: 'cutDatagrams' | 'closedDatagrams'): void {
    const { bytes } = this.#remove(index);
    this.statistics[why] += 1;
    this.#release(bytes.length);
  }

  #remove(index: number): Waiting {
    const [removed] = this.#waiting.splice(index, 1) as [Waiting];
    this.#waitingBytes -= removed.bytes.length;
    return removed;
  }

  #hold(bytes: number): void {
    this.heldBytes += bytes;
    this.#heldUnits += 1;
  }

  #release(bytes: number): void {
    this.heldBytes -= bytes;
    this.#heldUnits -= 1;
    if (this.isFull || this.#paused.size === 0) return;
    const paused = [...this.#paused];
    this.#paused.clear();
    for (const resume of paused) resume();
  }

  #corrupt(bytes: Uint8Array): Uint8Array {
    this.statistics.corruptedDatagrams += 1;
    const corrupted = bytes.slice();
    const at = this.#chance.between(0, bytes.length - 1);
    corrupted[at] = (corrupted[at] ?? 0) ^ (1 << this.#chance.between(0, 7));
    return corrupted;
  }
}
