/**
 * Which large blobs a neighbour has been sent whole before it asked for anything. A count of attempts does not tell: it
 * begins anew with any sign of life. Kept by the store's meta values; what is lost of it costs a blob sent twice.
 */
import { toHex } from '../base/bytes.js';
import type { Store } from '../store/store.js';

/** More than wait for their receipts at once: the oldest are forgotten. */
const MOST_REMEMBERED = 4096;
/** Enough of a record's id to tell those of one neighbour apart. */
const NAME_BYTES = 8;

export class SentWhole {
  readonly #store: Pick<Store, 'getMeta' | 'putMeta'>;
  readonly #metaKey: string;
  readonly #most: number;
  /** In hex, the latest last. */
  readonly #names = new Set<string>();

  constructor(store: Pick<Store, 'getMeta' | 'putMeta'>, peer: string, most = MOST_REMEMBERED) {
    this.#store = store;
    this.#metaKey = `sent-whole/${peer}`;
    this.#most = most;
  }

  async restore(): Promise<void> {
    const saved = await this.#store.getMeta(this.#metaKey);
    for (let at = 0; saved !== undefined && at + NAME_BYTES <= saved.length; at += NAME_BYTES) this.#names.add(toHex(saved.subarray(at, at + NAME_BYTES)));
  }

  has(rid: Uint8Array): boolean {
    return this.#names.has(nameOf(rid));
  }

  async add(rid: Uint8Array): Promise<void> {
    this.#names.delete(nameOf(rid));
    this.#names.add(nameOf(rid));
    const [oldest] = this.#names;
    if (oldest !== undefined && this.#names.size > this.#most) this.#names.delete(oldest);
    await this.#store.putMeta(this.#metaKey, Buffer.from([...this.#names].join(''), 'hex'));
  }
}

function nameOf(rid: Uint8Array): string {
  return toHex(rid.subarray(0, NAME_BYTES));
}
