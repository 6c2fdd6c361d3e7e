/**
 * Blobs on their way in: which record they are for, which of their bytes are on stable storage, and the room set aside for
 * them. Kept in memory whole, and in the index so that a transfer goes on after a stop.
 */
import { copyBytes } from '../base/bytes.js';
import { decodeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import { ByteReader, ByteWriter } from './binary.js';
import { hashKey, incomingKey, recordKey } from './keys.js';
import type { LiveBytes } from './live-bytes.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import type { Range } from './store.js';
import type { StoreIndex } from './store-index.js';
import type { Charge, UsageBook } from './usage-book.js';

export interface Incoming {
  readonly record: TransitRecord;
  readonly from: string;
  readonly heldAtMs: number;
  /** Bytes on stable storage. */
  ranges: readonly Range[];
  /** Set when the blob is in the store and waits for its record to be held: the log entry that says so. */
  arrived: { readonly entry: Position; readonly payloadBytes: number } | undefined;
  /** A receiver is open. */
  open: boolean;
  /** The room set aside. */
  readonly charge: Charge;
}

const TIME_BYTES = 6;
const SIZE_BYTES = 6;

export class IncomingBlobs {
  readonly #index: StoreIndex;
  readonly #book: UsageBook;
  readonly #live: LiveBytes;
  readonly #incoming = new Map<string, Incoming>();
  /** How many complete ones wait with each blob. */
  readonly #awaited = new Map<string, number>();

  constructor(index: StoreIndex, book: UsageBook, live: LiveBytes) {
    this.#index = index;
    this.#book = book;
    this.#live = live;
  }

  get size(): number {
    return this.#incoming.size;
  }

  get(record: string): Incoming | undefined {
    return this.#incoming.get(record);
  }

  all(): IterableIterator<[string, Incoming]> {
    return this.#incoming.entries();
  }

  isAwaited(hash: string): boolean {
    return this.#awaited.has(hash);
  }

  /** Begins one, or goes on with one that is known. */
  begin(record: TransitRecord, from: string, heldAtMs: number): Incoming {
    const key = recordKey(record.rid);
    const known = this.#incoming.get(key);
    if (known !== undefined) return known;
    const charge = this.#book.charge(record, from, heldAtMs);
    this.#book.reserve(charge, 1);
    const incoming: Incoming = { record, from, heldAtMs, ranges: [], arrived: undefined, open: false, charge };
    this.#incoming.set(key, incoming);
    this.save(incoming);
    return incoming;
  }

  /** Writes down how far one has come, unless it has ended meanwhile. */
  save(incoming: Incoming): void {
    const key = recordKey(incoming.record.rid);
    if (this.#incoming.get(key) === incoming) this.#index.put(incomingKey(key), encode(incoming));
  }

  /** Takes in the log entry that says that the blob has arrived, or its copy. */
  arrive(incoming: Incoming, entry: Position, payloadBytes: number): void {
    if (this.#incoming.get(recordKey(incoming.record.rid)) !== incoming) return;
    if (incoming.arrived === undefined) this.#await(incoming, 1);
    else this.#live.count(incoming.arrived.entry, incoming.arrived.payloadBytes, -1, entry);
    this.#live.count(entry, payloadBytes, 1, entry);
    incoming.arrived = { entry, payloadBytes };
    incoming.ranges = [];
    this.save(incoming);
  }

  /** Forgets one: it has been held, has failed, or has expired. */
  end(record: string): Incoming | undefined {
    const incoming = this.#incoming.get(record);
    if (incoming === undefined) return undefined;
    this.#incoming.delete(record);
    if (incoming.arrived !== undefined) {
      this.#await(incoming, -1);
      this.#live.count(incoming.arrived.entry, incoming.arrived.payloadBytes, -1);
    }
    this.#book.reserve(incoming.charge, -1);
    this.#index.put(incomingKey(record), null);
    return incoming;
  }

  load(value: Uint8Array): void {
    const reader = new ByteReader(value, 'an incoming row of the index');
    const heldAtMs = reader.uint(TIME_BYTES);
    const arrived = { entry: reader.uint(POSITION_BYTES), payloadBytes: reader.uint(3) };
    const from = reader.text();
    const record = decodeRecord(copyBytes(reader.bytes()), 'a stored record');
    const ranges: Range[] = [];
    while (!reader.done) ranges.push({ startByte: reader.uint(SIZE_BYTES), endByte: reader.uint(SIZE_BYTES) });
    const charge = this.#book.charge(record, from, heldAtMs);
    this.#book.reserve(charge, 1);
    const incoming: Incoming = { record, from, heldAtMs, ranges, arrived: arrived.entry === 0 ? undefined : arrived, open: false, charge };
    this.#incoming.set(recordKey(record.rid), incoming);
    if (incoming.arrived !== undefined) this.#await(incoming, 1);
  }

  #await(incoming: Incoming, change: 1 | -1): void {
    const key = hashKey(incoming.record.blobHash);
    const count = (this.#awaited.get(key) ?? 0) + change;
    if (count === 0) this.#awaited.delete(key);
    else this.#awaited.set(key, count);
  }
}

function encode(incoming: Incoming): Uint8Array {
  const { entry, payloadBytes } = incoming.arrived ?? { entry: 0, payloadBytes: 0 };
  const writer = new ByteWriter(512).uint(incoming.heldAtMs, TIME_BYTES).uint(entry, POSITION_BYTES).uint(payloadBytes, 3).text(incoming.from).bytes(incoming.record.bytes);
  for (const range of incoming.ranges) writer.uint(range.startByte, SIZE_BYTES).uint(range.endByte, SIZE_BYTES);
  return writer.finish();
}
