/** The database of the index as it is read: each value is what was written, or the database is condemned. */
import { ByteWriter } from './binary.js';
import type { KeyValue } from './key-value.js';
import { fromBytes, toBytes } from './keys.js';
import { unsealed } from './sealed-value.js';
import { damagedIndex } from './store-errors.js';

const ENTRIES_AT_ONCE = 256;
/** Prefixes are letters. */
const BEHIND_ALL_KEYS = new Uint8Array([0xff]);

export class SealedReader {
  readonly #kv: KeyValue;
  /** What is looked up just now. */
  readonly #key = new ByteWriter();

  constructor(kv: KeyValue) {
    this.#kv = kv;
  }

  get(key: string): Uint8Array | undefined {
    const value = this.#kv.getSync(this.#key.restart().latin1(key).finish());
    return value === undefined ? undefined : this.#checked(value);
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const values = await this.#kv.getMany(keys.map(toBytes));
    return values.map((value) => (value === undefined ? undefined : this.#checked(value)));
  }

  /** Entries of a range, in order. */
  async *range(gte: string, lt: string): AsyncGenerator<readonly [string, Uint8Array]> {
    const iterator = this.#kv.iterator({ gte: toBytes(gte), lt: toBytes(lt) });
    try {
      for (;;) {
        const entries = await iterator.nextv(ENTRIES_AT_ONCE);
        if (entries.length === 0) return;
        for (const [key, value] of entries) yield [fromBytes(key), this.#checked(value)];
      }
    } finally {
      await iterator.close();
    }
  }

  /** The first `count` keys at or behind `gte`, whatever they are: so many are read where nothing is looked for, too. */
  async keysFrom(gte: string, count: number): Promise<string[]> {
    const iterator = this.#kv.iterator({ gte: toBytes(gte), lt: BEHIND_ALL_KEYS });
    try {
      return (await iterator.nextv(count)).map(([key]) => fromBytes(key));
    } finally {
      await iterator.close();
    }
  }

  #checked(value: Uint8Array): Uint8Array {
    const content = unsealed(value);
    if (content !== undefined) return content;
    this.#kv.condemn();
    throw damagedIndex();
  }
}
