/** Two LTP links with light between them, on a clock that jumps from one event to the next: hours pass in seconds, and every run is the same. */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.js';
import { concatBytes } from '../../base/bytes.js';
import { seededRandom, type Random } from '../../base/random.js';
import type { Deliver, Freight, Outcome } from '../link.js';
import type { ContactSource } from './contacts.js';
import type { Datagrams } from './datagrams.js';
import { Intervals } from './intervals.js';
import { LtpLink, type LtpLinkOptions } from './ltp-link.js';
import { HELLO_NUMBER } from './outbound.js';
import { decodeSegment, type Segment } from './segments.js';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

interface Due {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Timers in a heap: there are hundreds of thousands of events in an hour of light. */
export class VirtualClock implements Clock {
  readonly #heap: Due[] = [];
  #elapsedMs = 0;
  #order = 0;
  readonly #startMs = 1_800_000_000_000;

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  timer(delayMs: number, run: () => void): Timer {
    const due: Due = { dueMs: this.#elapsedMs + Math.max(delayMs, 0), order: this.#order++, run };
    this.#push(due);
    return { cancel: () => void (due.run = undefined) };
  }

  /**
   * Lets time pass until `done`, or for `ms`. What waits for a promise goes on after each event or, where there are
   * very many, after every `settleMs`.
   */
  async run(ms: number, done: () => boolean = () => false, settleMs = 0): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settled();
    let settledMs = this.#elapsedMs;
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) {
        this.#elapsedMs = endMs;
        return;
      }
      this.#pop();
      if (next.run === undefined) continue;
      this.#elapsedMs = next.dueMs;
      next.run();
      if (this.#elapsedMs - settledMs < settleMs) continue;
      await settled();
      settledMs = this.#elapsedMs;
    }
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

export interface Fate {
  /** When a datagram arrives, one entry for each copy; beyond the light time. */
  readonly delaysMs: readonly number[];
  readonly datagram: Uint8Array;
}

/** What one end has sent, as seen on the way. */
export class Sent {
  readonly segments: Segment[] = [];
  freshBytes = 0;
  againBytes = 0;
  wireBytes = 0;
  keep = true;
  readonly #seen = new Map<bigint, Intervals>();

  see(datagram: Uint8Array): void {
    this.wireBytes += datagram.length + 28;
    const segment = decodeSegment(datagram);
    if (segment.session.number === HELLO_NUMBER) return;
    if (this.keep) this.segments.push(segment);
    if (segment.kind !== 'data') return;
    const seen = this.#seen.get(segment.session.number) ?? new Intervals();
    this.#seen.set(segment.session.number, seen);
    const fresh = seen.add(segment.offset, segment.offset + segment.length);
    this.freshBytes += fresh;
    this.againBytes += segment.length - fresh;
  }

  of<K extends Segment['kind']>(kind: K): Extract<Segment, { kind: K }>[] {
    return this.segments.filter((segment): segment is Extract<Segment, { kind: K }> => segment.kind === kind);
  }
}

/** More than the head of any segment. */
const HEAD_ROOM = 100;

/** One way between the two ends: datagrams take the light time, and what else is decided for each. */
export class Ray {
  readonly sent = new Sent();
  /** Absent: everything arrives. */
  fate: ((datagram: Uint8Array) => Fate) | undefined;
  receive: ((datagram: Uint8Array) => void) | undefined;
  /** All freight is zeros: what is under way is kept without it. */
  blank = false;
  readonly #clock: Clock;
  readonly #lightMs: number;
  readonly #scratch = new Uint8Array(65_536);
  /** In order of arrival where nothing is delayed: one timer is enough for all of them. */
  readonly #underWay: { readonly atMs: number; readonly datagram: Uint8Array; readonly bytes: number }[] = [];
  #first = 0;

  constructor(clock: Clock, lightMs: number) {
    this.#clock = clock;
    this.#lightMs = lightMs;
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.blank) {
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      this.sent.see(this.#filled(parts[0]!, bytes));
      if (this.fate?.(parts[0]!).delaysMs.length !== 0) this.#enqueue(parts[0]!, bytes);
      return;
    }
    const datagram = concatBytes(...parts);
    this.sent.see(datagram);
    const fate = this.fate?.(datagram) ?? { delaysMs: [0], datagram };
    for (const delayMs of fate.delaysMs) {
      if (delayMs > 0) this.#clock.timer(this.#lightMs + delayMs, () => this.receive?.(fate.datagram));
      else this.#enqueue(fate.datagram, fate.datagram.length);
    }
  }

  #enqueue(datagram: Uint8Array, bytes: number): void {
    this.#underWay.push({ atMs: this.#clock.monotonicMs() + this.#lightMs, datagram, bytes });
    if (this.#underWay.length - this.#first === 1) this.#wait();
  }

  /** The head, and zeros up to so many bytes. */
  #filled(head: Uint8Array, bytes: number): Uint8Array {
    if (head.length === bytes) return head;
    this.#scratch.fill(0, 0, HEAD_ROOM).set(head);
    return this.#scratch.subarray(0, bytes);
  }

  #wait(): void {
    const next = this.#underWay[this.#first];
    if (next === undefined) {
      this.#underWay.length = this.#first = 0;
      return;
    }
    this.#clock.timer(next.atMs - this.#clock.monotonicMs(), () => {
      const nowMs = this.#clock.monotonicMs();
      for (let due = this.#underWay[this.#first]; due !== undefined && due.atMs <= nowMs; due = this.#underWay[++this.#first]) this.receive?.(this.#filled(due.datagram, due.bytes));
      if (this.#first > 1000) {
        this.#underWay.splice(0, this.#first);
        this.#first = 0;
      }
      this.#wait();
    });
  }
}

export interface LightOptions {
  readonly lightMs?: number;
  readonly rateBytesPerSec?: number;
  readonly contacts?: ContactSource;
  readonly near?: Partial<LtpLinkOptions>;
  readonly far?: Partial<LtpLinkOptions>;
}

export interface LightPair {
  readonly clock: VirtualClock;
  readonly near: LtpLink;
  readonly far: LtpLink;
  /** What near sends, and what far sends. */
  readonly there: Ray;
  readonly back: Ray;
  /** Another link in the place of one of the two, as after a restart: the one before it is dead and says nothing more. */
  makeNear(): LtpLink;
  makeFar(): LtpLink;
}

/** near is engine 1, far engine 2. Neither is started. */
export function makeLightPair({ lightMs = 20 * MINUTE_MS, rateBytesPerSec = 250_000, contacts, near = {}, far = {} }: LightOptions = {}): LightPair {
  const clock = new VirtualClock();
  const [there, back] = [new Ray(clock, lightMs), new Ray(clock, lightMs)];
  const datagrams = (out: Ray, into: Ray): Datagrams => {
    let ours: Ray['receive'];
    return {
      async open(receive) {
        into.receive = ours = receive;
      },
      send(parts) {
        if (into.receive === ours) out.send(parts);
      },
      async close() {
        if (into.receive === ours) into.receive = undefined;
      },
    };
  };
  const shared = { clock, lightTimeMs: lightMs, marginMs: 5 * SECOND_MS, rateBytesPerSec, ...(contacts !== undefined && { contacts }) };
  let seed = 1;
  const makeNear = (): LtpLink => new LtpLink({ neighbour: 'far', engineId: 1, peerEngineId: 2, datagrams: datagrams(there, back), random: seededRandom(seed++), ...shared, ...near });
  const makeFar = (): LtpLink => new LtpLink({ neighbour: 'near', engineId: 2, peerEngineId: 1, datagrams: datagrams(back, there), random: seededRandom(seed++), ...shared, ...far });
  return { clock, there, back, near: makeNear(), far: makeFar(), makeNear, makeFar };
}

export function loses(random: Random, share: number): (datagram: Uint8Array) => Fate {
  return (datagram) => ({ delaysMs: random.fraction() < share ? [] : [0], datagram });
}

/** Freight that differs from byte to byte, and its digest. */
export function freightOf(bytes: number, seed = 1): Freight & { readonly digest: string; opened(): number } {
  const whole = seededRandom(seed).bytes(bytes);
  let opened = 0;
  return {
    bytes,
    digest: digestOf(whole),
    opened: () => opened,
    async *open() {
      opened++;
      for (let at = 0; at < bytes; at += 10_000) yield whole.subarray(at, at + 10_000);
    },
  };
}

/** Takes what comes, if `takes` says so, and keeps its digest. */
export function collector(takes: (digest: string) => boolean = () => true): { deliver: Deliver; digests: string[] } {
  const digests: string[] = [];
  const deliver: Deliver = async ({ bytes }) => {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    const digest = digestOf(concatBytes(...parts));
    if (!takes(digest)) return { kind: 'refused', code: 'retransmit' };
    digests.push(digest);
    return { kind: 'taken' };
  };
  return { deliver, digests };
}

/** Sends, and lets time pass until there is an outcome; undefined if there is none within `ms`. */
export async function sendWithin(clock: VirtualClock, link: LtpLink, freight: Freight, ms: number): Promise<Outcome | undefined> {
  let outcome: Outcome | undefined;
  void link.send(freight, new AbortController().signal).then((found) => (outcome = found));
  await clock.run(ms, () => outcome !== undefined);
  return outcome;
}

/** Stops a link on its own clock. */
export async function stopOn(clock: VirtualClock, ...links: LtpLink[]): Promise<void> {
  let stopped = false;
  void Promise.all(links.map((link) => link.stop())).then(() => (stopped = true));
  await clock.run(MINUTE_MS, () => stopped);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
