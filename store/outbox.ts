/** Control items that wait for a peer, in order of arrival, each found again by its key. */
import { copyBytes } from '../base/bytes.js';
import { ByteReader, ByteWriter } from './binary.js';
import { after, fromBytes, outboxNameKey, outboxPlace, outboxPrefix, positionOfPlace, toBytes } from './keys.js';
import type { LiveBytes } from './live-bytes.js';
import type { Position } from './position.js';
import type { OutboxEntry } from './store.js';
import type { StoreIndex } from './store-index.js';

export class Outbox {
  readonly #index: StoreIndex;
  readonly #live: LiveBytes;
  /** Peers whose outbox was found empty, and for whom nothing was put there since. */
  readonly #empty = new Set<string>();
  #puts = 0;

  constructor(index: StoreIndex, live: LiveBytes) {
    this.#index = index;
    this.#live = live;
  }

  /** Takes in the entries of one log entry. One that is there already, from this log entry or a later one, stays. */
  apply(entries: readonly OutboxEntry[], position: Position): void {
    for (const [i, entry] of entries.entries()) this.#put(entry, position, i);
  }

  remove(peer: string, keys: readonly string[]): void {
    for (const key of keys) {
      const nameKey = outboxNameKey(peer, key);
      const place = this.#index.get(nameKey);
      if (place === undefined) continue;
      this.#index.put(nameKey, null);
      this.#drop(peer, fromBytes(place));
    }
  }

  #put(entry: OutboxEntry, position: Position, i: number): void {
    const place = outboxPlace(position, i);
    const nameKey = outboxNameKey(entry.peer, entry.key);
    const known = this.#index.get(nameKey);
    if (known !== undefined) {
      if (fromBytes(known) >= place) return;
      this.#drop(entry.peer, fromBytes(known));
    }
    const value = new ByteWriter().text(entry.key).bytes(entry.bytes).finish();
    this.#puts += 1;
    this.#empty.delete(entry.peer);
    this.#index.put(nameKey, toBytes(place));
    this.#index.put(outboxPrefix(entry.peer) + place, value);
    this.#live.count(position, value.length, 1, position);
  }

  #drop(peer: string, place: string): void {
    const key = outboxPrefix(peer) + place;
    const value = this.#index.get(key);
    if (value === undefined) return;
    this.#live.count(positionOfPlace(place), value.length, -1);
    this.#index.put(key, null);
  }

  /** Known without looking: nothing waits for this peer. */
  isEmpty(peer: string): boolean {
    return this.#empty.has(peer);
  }

  async list(peer: string, limit: number): Promise<OutboxEntry[]> {
    const entries: OutboxEntry[] = [];
    const puts = this.#puts;
    if (limit <= 0 || this.isEmpty(peer)) return entries;
    for await (const [, value] of this.#index.range(outboxPrefix(peer), after(outboxPrefix(peer)))) {
      const reader = new ByteReader(value, 'an outbox row of the index');
      entries.push({ peer, key: reader.text(), bytes: copyBytes(reader.bytes()) });
      if (entries.length === limit) break;
    }
    if (entries.length === 0 && this.#puts === puts) this.#empty.add(peer);
    return entries;
  }

  /** Takes in a copy of entries that stood at another place of the log, as far as they still do. */
  move(entries: readonly OutboxEntry[], from: Position, to: Position): void {
    for (const [i, entry] of entries.entries()) {
      const place = this.#index.get(outboxNameKey(entry.peer, entry.key));
      if (place !== undefined && positionOfPlace(fromBytes(place)) === from) this.#put(entry, to, i);
    }
  }

  /** Those of the entries of a log entry that still wait. */
  waiting(entries: readonly OutboxEntry[], position: Position): OutboxEntry[] {
    return entries.filter((entry, i) => {
      const place = this.#index.get(outboxNameKey(entry.peer, entry.key));
      return place !== undefined && fromBytes(place) === outboxPlace(position, i);
    });
  }
}
