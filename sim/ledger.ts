/** What is counted while a run goes on: figures of bounded size, whatever the run's length. */
import type { StoreStatus } from '../store/store.js';
import type { Message } from './message.js';
import type { FaultPlan } from './scenario-schema.js';

export interface OccupancySample {
  readonly timeUs: number;
  readonly node: string;
  readonly records: number;
  readonly bytes: number;
}

/** Latencies beyond this many are thinned by leaving out every second one, the same way in every run. */
const MOST_LATENCIES = 2 ** 20;

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
  readonly occupancies: OccupancySample[] = [];
  /** The message that was longest on its way. */
  slowest: Message | undefined;
  #latenciesUs: number[] = [];
  #everyNth = 1;

  sent(message: Message): void {
    this.sentMessages += 1;
    this.sentBytes += message.record.blobBytes;
  }

  delivered(message: Message): void {
    this.deliveredMessages += 1;
    this.deliveredBytes += message.record.blobBytes;
    this.hops += message.hops.length;
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
    if (message.deliveredUs !== undefined) return;
    if (message.isRetracted) this.retracted += 1;
    else if (message.custodyUs === undefined) this.refusedAtTheDoor += 1;
    else this.expired += 1;
  }

  fault(kind: FaultPlan['kind']): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  occupancy(timeUs: number, node: string, status: StoreStatus | undefined): void {
    if (status !== undefined) this.occupancies.push({ timeUs, node, records: status.records, bytes: status.bytes });
  }

  /** Sorted. */
  latenciesUs(): Float64Array {
    return Float64Array.from(this.#latenciesUs).sort();
  }
}

function delayUs(message: Message): number {
  return (message.deliveredUs ?? 0) - message.createdUs;
}
