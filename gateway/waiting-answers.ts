/**
 * Answers that wait in the outbox of a peer until a link takes them home: so many and no more, however often the peer
 * offers and however long no link goes back. The oldest make way, because who misses an answer offers again and is
 * answered again. Openings wait in the same outbox and are said only once: they are not counted here, and stay.
 */
import { toHex } from '../base/bytes.js';
import type { LinkLimit } from '../links/link.js';
import type { OutboxEntry, Store } from '../store/store.js';
import type { Offer } from '../wire/offer.js';

export interface AnswerBounds {
  readonly count: number;
  readonly bytes: number;
}

/** Of each peer: receipts for far more than one contact brings, and no weight on any disk. */
export const ANSWER_BOUNDS: AnswerBounds = { count: 4096, bytes: 4 * 1024 * 1024 };

/** Of an outbox that has grown without bounds, so much is in memory at a time. */
const READ_AT_ONCE = 8192;
/** Enough of the root of a batch to tell the batches of one peer apart. */
const BATCH_NAME_BYTES = 16;
const KEY_BEGINS = 'answer/';

export class WaitingAnswers {
  readonly #store: Pick<Store, 'outbox' | 'outboxPut' | 'outboxRemove'>;
  readonly #bounds: AnswerBounds;
  readonly #peers = new Map<string, PeerAnswers>();

  constructor(store: Pick<Store, 'outbox' | 'outboxPut' | 'outboxRemove'>, bounds = ANSWER_BOUNDS) {
    this.#store = store;
    this.#bounds = bounds;
  }

  /** Takes up what waited when the gateway stopped. */
  async restore(peers: readonly string[]): Promise<void> {
    for (const peer of peers) await this.#restorePeer(peer);
  }

  /** Leaves an answer for a peer. It replaces the one that waits to the same records and controls, offered before. */
  async put(peer: string, { root, nonce }: Pick<Offer, 'root' | 'nonce'>, controls: readonly Uint8Array[]): Promise<void> {
    const answers = this.#of(peer);
    const batch = toHex(root.subarray(0, BATCH_NAME_BYTES));
    const entries = controls.map((bytes, index): OutboxEntry => ({ peer, key: `${KEY_BEGINS}${batch}/${toHex(nonce)}/${index}`, bytes }));
    // Counted before it is there: a link may have taken it by the time the store has it.
    answers.add(entries);
    try {
      await this.#store.outboxPut(entries);
    } catch (thrown) {
      answers.forget(entries.map(({ key }) => key));
      throw thrown;
    }
    await this.#remove(peer, [...answers.takeSaidAnew(entries), ...answers.takeBeyond(this.#bounds)]);
  }

  /** These are no more in the outbox. Keys of other things are ignored. */
  gone(peer: string, keys: readonly string[]): void {
    this.#of(peer).forget(keys);
  }

  /** Empty where no answer ever waited. */
  limits(peer: string): LinkLimit[] {
    const { count, bytes, dropped } = this.#of(peer);
    if (count + dropped === 0) return [];
    return [
      { name: 'answers that wait', unit: 'count', used: count, most: this.#bounds.count, refused: dropped },
      { name: 'answers that wait, in bytes', unit: 'bytes', used: bytes, most: this.#bounds.bytes, refused: 0 },
    ];
  }

  async #restorePeer(peer: string): Promise<void> {
    const answers = new PeerAnswers();
    this.#peers.set(peer, answers);
    let limit = READ_AT_ONCE;
    for (;;) {
      const entries = await this.#store.outbox(peer, limit);
      answers.add(entries.filter(({ key }) => key.startsWith(KEY_BEGINS)));
      const beyond = answers.takeBeyond(this.#bounds);
      await this.#remove(peer, beyond);
      if (entries.length < limit) return;
      limit = entries.length - beyond.length + READ_AT_ONCE;
    }
  }

  async #remove(peer: string, keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#store.outboxRemove(peer, keys);
  }

  #of(peer: string): PeerAnswers {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const answers = new PeerAnswers();
    this.#peers.set(peer, answers);
    return answers;
  }
}

class PeerAnswers {
  count = 0;
  bytes = 0;
  /** How many the bounds have taken out. */
  dropped = 0;
  /** The bytes of each control item by its key, by the batch that it answers; the batch answered last stands last. */
  readonly #batches = new Map<string, Map<string, number>>();

  add(entries: readonly OutboxEntry[]): void {
    this.forget(entries.map(({ key }) => key));
    for (const { key, bytes } of entries) {
      const batch = batchOf(key);
      const items = this.#batches.get(batch) ?? new Map<string, number>();
      this.#batches.delete(batch);
      this.#batches.set(batch, items.set(key, bytes.length));
      this.count += 1;
      this.bytes += bytes.length;
    }
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) {
      const batch = batchOf(key);
      const items = this.#batches.get(batch);
      const bytes = items?.get(key);
      if (items === undefined || bytes === undefined) continue;
      items.delete(key);
      if (items.size === 0) this.#batches.delete(batch);
      this.count -= 1;
      this.bytes -= bytes;
    }
  }

  /** Takes out what was said to the same batch before these. */
  takeSaidAnew([first]: readonly OutboxEntry[]): string[] {
    const keys = first === undefined ? [] : [...(this.#batches.get(batchOf(first.key))?.keys() ?? [])];
    const saidAnew = keys.slice(0, Math.max(0, keys.indexOf(first?.key ?? '')));
    this.forget(saidAnew);
    return saidAnew;
  }

  /** Takes out the oldest answers beyond the bounds; the latest stays, whatever its size. */
  takeBeyond({ count, bytes }: AnswerBounds): string[] {
    const taken: string[] = [];
    while ((this.count > count || this.bytes > bytes) && this.#batches.size > 1) {
      const [oldest] = this.#batches.values();
      const keys = [...(oldest?.keys() ?? [])];
      this.forget(keys);
      taken.push(...keys);
    }
    this.dropped += taken.length;
    return taken;
  }
}

function batchOf(key: string): string {
  return key.split('/', 2)[1] ?? '';
}
