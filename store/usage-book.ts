/**
 * Who has how much in the store: per peer, per destination, per queue, and all together. What is promised but not yet
 * written is reserved here at once, so that holds that run side by side cannot overshoot together.
 */
import { ByteReader, ByteWriter } from './binary.js';
import { counterKey } from './keys.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import type { HoldRefusal, Quotas, Usage } from './store.js';

export type CounterKind = 'peer' | 'destination' | 'queue' | 'total';

/** What one record adds to every counter that it is counted in. */
export interface Charge {
  readonly peer: string;
  readonly destination: string;
  readonly bytes: number;
  readonly byteSeconds: number;
}

export interface ChargedRecord {
  readonly destination: string;
  readonly expirySec: number;
  readonly blobBytes: number;
}

/** The changes one log entry makes to the total. */
export interface TotalChange {
  readonly records?: number;
  readonly bytes?: number;
  readonly byteSeconds?: number;
  readonly tombstones?: number;
  readonly storedBytes?: number;
}

export interface Room {
  readonly capacityBytes: number;
  readonly reserveBytes: number;
  readonly quotas: Quotas;
}

interface Counter {
  records: number;
  bytes: number;
  byteSeconds: number;
  /** Total only: blobs once each, however many records share them. */
  storedBytes: number;
  /** Total only. */
  tombstones: number;
  /** The last log entry that was counted, so that it is not counted again when the log is replayed. */
  position: Position;
}

/** What a record costs besides its blob: its entries in the log, about. */
export const RECORD_OVERHEAD_BYTES = 512;
const LETTER: Readonly<Record<CounterKind, string>> = { peer: 'p', destination: 'd', queue: 'q', total: 't' };
const KIND = new Map(Object.entries(LETTER).map(([kind, letter]) => [letter, kind as CounterKind]));
const COUNT_BYTES = 6;
/** byteSeconds pass 2^53 on a large store; a double keeps them to 16 digits, which is enough for a quota. */
const DOUBLE_BYTES = 8;

export function chargeOf(record: ChargedRecord, peer: string, heldAtMs: number): Charge {
  const seconds = Math.max(0, record.expirySec - Math.floor(heldAtMs / 1000));
  return { peer, destination: record.destination, bytes: record.blobBytes, byteSeconds: record.blobBytes * seconds };
}

export class UsageBook {
  readonly #room: Room;
  readonly #counters = new Map<string, Counter>();
  readonly #reserved = new Map<string, Usage>();
  readonly #changed = new Set<string>();

  constructor(room: Room) {
    this.#room = room;
  }

  get room(): { readonly capacityBytes: number; readonly reserveBytes: number } {
    const { capacityBytes, reserveBytes } = this.#room;
    return { capacityBytes, reserveBytes };
  }

  load(key: string, value: Uint8Array): void {
    const reader = new ByteReader(value, 'a counter of the index');
    const counts = { records: reader.uint(COUNT_BYTES), bytes: reader.uint(COUNT_BYTES), storedBytes: reader.uint(COUNT_BYTES), tombstones: reader.uint(COUNT_BYTES) };
    const position = reader.uint(POSITION_BYTES);
    const byteSeconds = Buffer.from(reader.fixed(DOUBLE_BYTES)).readDoubleBE();
    reader.end();
    this.#counters.set(key, { ...counts, byteSeconds, position });
  }

  /** Writes the counters that changed since the last time. */
  drain(put: (key: string, value: Uint8Array | null) => void): void {
    for (const key of this.#changed) {
      const counter = this.#counters.get(key)!;
      const empty = counter.records === 0 && key !== TOTAL_KEY;
      if (empty) this.#counters.delete(key);
      put(key, empty ? null : encodeCounter(counter));
    }
    this.#changed.clear();
  }

  /** Why there is no room for one more record, or undefined. */
  refusal(charge: Charge): HoldRefusal | undefined {
    const { capacityBytes, reserveBytes, quotas } = this.#room;
    if (this.#storedBytes() + charge.bytes + RECORD_OVERHEAD_BYTES > capacityBytes - reserveBytes) return 'full';
    if (!within(this.usage('peer', charge.peer), charge, quotas.peer(charge.peer))) return 'quota-peer';
    if (!within(this.usage('destination', charge.destination), charge, quotas.destination(charge.destination))) return 'quota-destination';
    return undefined;
  }

  /** Sets room aside. The returned function gives it back, once however often it is called. */
  reserve(charge: Charge): () => void {
    this.#changeReserved(charge, 1);
    let open = true;
    return () => {
      if (open) this.#changeReserved(charge, -1);
      open = false;
    };
  }

  /** Counts a record in (1) or out (-1) because of a log entry. */
  count(charge: Charge, sign: 1 | -1, position?: Position): void {
    const change = { records: sign, bytes: sign * charge.bytes, byteSeconds: sign * charge.byteSeconds };
    this.#change(counterKey(LETTER.peer, charge.peer), change, position);
    this.#change(counterKey(LETTER.destination, charge.destination), change, position);
  }

  countQueue(target: string, charge: Charge, sign: 1 | -1, position?: Position): void {
    this.#change(counterKey(LETTER.queue, target), { records: sign, bytes: sign * charge.bytes, byteSeconds: sign * charge.byteSeconds }, position);
  }

  countTotal(change: TotalChange, position?: Position): void {
    this.#change(TOTAL_KEY, change, position);
  }

  usage(kind: CounterKind, name: string): Usage {
    const key = kind === 'total' ? TOTAL_KEY : counterKey(LETTER[kind], name);
    const counter = this.#counters.get(key) ?? NOTHING;
    const reserved = this.#reserved.get(key) ?? NOTHING;
    return { records: counter.records + reserved.records, bytes: counter.bytes + reserved.bytes, byteSeconds: counter.byteSeconds + reserved.byteSeconds };
  }

  get tombstones(): number {
    return this.#counters.get(TOTAL_KEY)?.tombstones ?? 0;
  }

  queues(): string[] {
    return [...this.#counters]
      .filter(([key, counter]) => KIND.get(key[1]!) === 'queue' && counter.records > 0)
      .map(([key]) => Buffer.from(key.slice(2), 'latin1').toString('utf8'))
      .sort();
  }

  #storedBytes(): number {
    const total = this.#counters.get(TOTAL_KEY);
    const reserved = this.#reserved.get(TOTAL_KEY) ?? NOTHING;
    const records = (total?.records ?? 0) + (total?.tombstones ?? 0) + reserved.records;
    return (total?.storedBytes ?? 0) + reserved.bytes + records * RECORD_OVERHEAD_BYTES;
  }

  #changeReserved(charge: Charge, sign: 1 | -1): void {
    for (const key of [counterKey(LETTER.peer, charge.peer), counterKey(LETTER.destination, charge.destination), TOTAL_KEY]) {
      const before = this.#reserved.get(key) ?? NOTHING;
      const records = before.records + sign;
      if (records === 0) this.#reserved.delete(key);
      else this.#reserved.set(key, { records, bytes: before.bytes + sign * charge.bytes, byteSeconds: before.byteSeconds + sign * charge.byteSeconds });
    }
  }

  #change(key: string, change: TotalChange, position: Position | undefined): void {
    const counter = this.#counter(key);
    if (position !== undefined) {
      if (counter.position >= position) return;
      counter.position = position;
    }
    counter.records = Math.max(0, counter.records + (change.records ?? 0));
    // Nothing is nothing, whatever rounding or a replay of a part of the log has left.
    counter.bytes = counter.records === 0 ? 0 : Math.max(0, counter.bytes + (change.bytes ?? 0));
    counter.byteSeconds = counter.records === 0 ? 0 : Math.max(0, counter.byteSeconds + (change.byteSeconds ?? 0));
    counter.storedBytes = Math.max(0, counter.storedBytes + (change.storedBytes ?? 0));
    counter.tombstones = Math.max(0, counter.tombstones + (change.tombstones ?? 0));
    this.#changed.add(key);
  }

  #counter(key: string): Counter {
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = { ...NOTHING, storedBytes: 0, tombstones: 0, position: 0 };
      this.#counters.set(key, counter);
    }
    return counter;
  }
}

const TOTAL_KEY = counterKey(LETTER.total, '');
const NOTHING: Usage = { records: 0, bytes: 0, byteSeconds: 0 };

function within(usage: Usage, charge: Charge, limits: { bytes: number; byteSeconds: number }): boolean {
  return usage.bytes + charge.bytes <= limits.bytes && usage.byteSeconds + charge.byteSeconds <= limits.byteSeconds;
}

function encodeCounter(counter: Counter): Uint8Array {
  const byteSeconds = Buffer.alloc(DOUBLE_BYTES);
  byteSeconds.writeDoubleBE(counter.byteSeconds);
  return new ByteWriter(64)
    .uint(counter.records, COUNT_BYTES)
    .uint(counter.bytes, COUNT_BYTES)
    .uint(counter.storedBytes, COUNT_BYTES)
    .uint(counter.tombstones, COUNT_BYTES)
    .uint(counter.position, POSITION_BYTES)
    .fixed(byteSeconds)
    .finish();
}
