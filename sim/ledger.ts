/** What is counted while a run goes on: figures of bounded size, whatever the run's length. */
import type { StoreStatus } from '../store/store.js';
import type { Price } from '../plan/budget.js';
import type { LeftUnit } from './channel.js';
import type { Message } from './message.js';
import type { FaultPlan } from './scenario-schema.js';
import { contentsOf } from './unit-contents.js';
import { WayLedger } from './way-ledger.js';

/** How full a store was at a time. */
export interface OccupancySample {
  readonly timeUs: number;
  readonly records: number;
  readonly bytes: number;
}

/** How long messages stay with a node. */
export interface Stay {
  messages: number;
  sumUs: number;
  longestUs: number;
}

/** Latencies beyond this many are thinned by leaving out every second one, the same way in every run. */
const MOST_LATENCIES = 2 ** 20;
/** A message that is sent again and again is followed so far. */
const MOST_LEGS = 40;

export class Ledger {
  sentMessages = 0;
  sentBytes = 0;
  deliveredMessages = 0;
  deliveredBytes = 0;
  retracted = 0;
  expired = 0;
  refusedAtTheDoor = 0;
  inLimbo = 0;
  knocks = 0;
  hops = 0;
  readonly faults = new Map<FaultPlan['kind'], number>();
  /** By node. */
  readonly occupancies = new Map<string, OccupancySample[]>();
  readonly stays = new Map<string, Stay>();
  /** By the name of their channel. */
  readonly ways = new Map<string, WayLedger>();
  /** The message that was longest on its way. */
  slowest: Message | undefined;
  #latenciesUs: number[] = [];
  #everyNth = 1;

  /** Accounts for a way are opened. */
  way(name: string, price: Price | undefined): void {
    this.ways.set(name, new WayLedger(price));
  }

  sent(message: Message): void {
    this.sentMessages += 1;
    this.sentBytes += message.record.blobBytes;
  }

  /** @param messages those that may still be asked for, by rid */
  left(way: string, unit: LeftUnit, messages: ReadonlyMap<string, Message>): void {
    const contents = contentsOf(unit.bytes);
    this.ways.get(way)?.left(unit, contents);
    for (const { rid } of contents.records) {
      const legs = messages.get(rid)?.legs;
      if (legs !== undefined && legs.length < MOST_LEGS) legs.push({ way, leftUs: unit.leftUs, arrivesUs: unit.arrivesUs });
    }
  }

  delivered(message: Message): void {
    this.deliveredMessages += 1;
    this.deliveredBytes += message.record.blobBytes;
    this.hops += message.hops.length;
    this.#stayed(message);
    if (this.slowest === undefined || delayUs(message) > delayUs(this.slowest)) this.slowest = message;
    if (this.deliveredMessages % this.#everyNth !== 0) return;
    this.#latenciesUs.push(delayUs(message));
    if (this.#latenciesUs.length < MOST_LATENCIES) return;
    this.#latenciesUs = this.#latenciesUs.filter((_, index) => index % 2 === 0);
    this.#everyNth *= 2;
  }

  /** Nothing more will become of it. */
  ended(message: Message): void {
    this.knocks += message.knocks;
    for (const way of this.ways.values()) way.forget(message.rid);
    if (message.deliveredUs !== undefined) return;
    if (message.isRetracted) this.retracted += 1;
    else if (message.custodyUs === undefined) this.refusedAtTheDoor += 1;
    else this.expired += 1;
  }

  fault(kind: FaultPlan['kind']): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  occupancy(timeUs: number, node: string, status: StoreStatus | undefined): void {
    if (status === undefined) return;
    const samples = this.occupancies.get(node) ?? [];
    samples.push({ timeUs, records: status.records, bytes: status.bytes });
    this.occupancies.set(node, samples);
  }

  /** Sorted. */
  latenciesUs(): Float64Array {
    return Float64Array.from(this.#latenciesUs).sort();
  }

  /** A node has a message until the next one has it, and the last one until it is fetched. */
  #stayed({ hops, deliveredUs = 0 }: Message): void {
    for (const [index, { node, timeUs }] of hops.entries()) {
      const us = (hops[index + 1]?.timeUs ?? deliveredUs) - timeUs;
      const stay = this.stays.get(node) ?? { messages: 0, sumUs: 0, longestUs: 0 };
      stay.messages += 1;
      stay.sumUs += us;
      stay.longestUs = Math.max(stay.longestUs, us);
      this.stays.set(node, stay);
    }
  }
}

function delayUs(message: Message): number {
  return (message.deliveredUs ?? 0) - message.createdUs;
}
