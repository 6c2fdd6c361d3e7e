/** Control items that wait for a peer, in order of arrival, each found again by its key. */
import { copyBytes } from '../base/bytes.js';
import { ByteReader, ByteWriter } from './binary.js';
import { after, fromBytes, outboxNameKey, outboxPlace, outboxPrefix, toBytes } from './keys.js';
import type { Position } from './position.js';
import type { OutboxEntry } from './store.js';
import type { StoreIndex } from './store-index.js';

export class Outbox {
  readonly #index: StoreIndex;

  constructor(index: StoreIndex) {
    this.#index = index;
  }

  /** Takes in the entries of one log entry. One that is there already, from this log entry or a later one, stays. */
  apply(entries: readonly OutboxEntry[], position: Position): void {
    for (const [i, entry] of entries.entries()) {
      const place = outboxPlace(position, i);
      const nameKey = outboxNameKey(entry.peer, entry.key);
      const known = this.#index.get(nameKey);
      if (known !== undefined) {
        if (fromBytes(known) >= place) continue;
        this.#index.put(outboxPrefix(entry.peer) + fromBytes(known), null);
      }
      this.#index.put(nameKey, toBytes(place));
      this.#index.put(outboxPrefix(entry.peer) + place, new ByteWriter().text(entry.key).bytes(entry.bytes).finish());
    }
  }

  remove(peer: string, keys: readonly string[]): void {
    for (const key of keys) {
      const nameKey = outboxNameKey(peer, key);
      const place = this.#index.get(nameKey);
      if (place === undefined) continue;
      this.#index.put(nameKey, null);
      this.#index.put(outboxPrefix(peer) + fromBytes(place), null);
    }
  }

  /** Every change must have been flushed. */
  async list(peer: string, limit: number): Promise<OutboxEntry[]> {
    const entries: OutboxEntry[] = [];
    if (limit <= 0) return entries;
    for await (const [, value] of this.#index.range(outboxPrefix(peer), after(outboxPrefix(peer)))) {
      const reader = new ByteReader(value, 'an outbox row of the index');
      entries.push({ peer, key: reader.text(), bytes: copyBytes(reader.bytes()) });
      if (entries.length === limit) break;
    }
    return entries;
  }

  /** Whether the entry with this key is the one that stood at this place of the log. */
  isAt(entry: OutboxEntry, position: Position, index: number): boolean {
    const place = this.#index.get(outboxNameKey(entry.peer, entry.key));
    return place !== undefined && fromBytes(place) === outboxPlace(position, index);
  }
}
