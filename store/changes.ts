/** Changes of the index that the database does not have yet. `null` stands for a deletion. */
import { LOCATOR_BYTES } from '../wire/capability.js';
import { HASH_BYTES } from '../wire/digest.js';
import { ByteWriter } from './binary.js';
import { decodeBlobRow, writeBlobRow } from './blob-row.js';
import type { BlobRow } from './blob-row.js';
import { ByteTable } from './byte-table.js';
import { RECORD_KEY_BYTES, blobKey, locatorPrefix, rowKey } from './keys.js';
import { decodeRecordRow, writeRecordRow } from './record-row.js';
import type { RecordRow } from './record-row.js';

/** What the database adds to an entry, and a table does not. */
const ENTRY_BYTES = 16;
/** A record stands in a page of its queue and in one of its hour, which wait elsewhere. */
const HINT_BYTES = 2 * RECORD_KEY_BYTES;
/** What one of the others takes in the database, key and all, about. */
const OTHER_BYTES = 100;

export class Changes {
  readonly #rows: ByteTable;
  readonly #blobs: ByteTable;
  /** By locator and record key, with nothing for a value. */
  readonly #locators: ByteTable;
  readonly others = new Map<string, Uint8Array | null>();

  /** @param seed of the tables; see byte-table.ts */
  constructor(seed: Uint8Array) {
    this.#rows = new ByteTable({ letter: rowKey(''), keyBytes: RECORD_KEY_BYTES, prefixBytes: RECORD_KEY_BYTES, seed });
    this.#blobs = new ByteTable({ letter: blobKey(''), keyBytes: HASH_BYTES, prefixBytes: HASH_BYTES, seed });
    this.#locators = new ByteTable({ letter: locatorPrefix(NOTHING), keyBytes: LOCATOR_BYTES + RECORD_KEY_BYTES, prefixBytes: LOCATOR_BYTES, seed });
  }

  get isEmpty(): boolean {
    return this.others.size === 0 && this.tables.every(({ size }) => size === 0);
  }

  /** What they take when they are written, about. */
  get bytes(): number {
    const entries = this.#rows.size + this.#blobs.size + this.#locators.size;
    return this.#rows.bytes + this.#blobs.bytes + this.#locators.bytes + entries * ENTRY_BYTES + this.#rows.size * HINT_BYTES + this.others.size * OTHER_BYTES;
  }

  get tables(): readonly ByteTable[] {
    return [this.#rows, this.#blobs, this.#locators];
  }

  /** undefined: not among the changes. */
  row(record: string): RecordRow | null | undefined {
    const value = this.#rows.get(keyOf(record));
    return value instanceof Uint8Array ? decodeRecordRow(value) : value;
  }

  putRow(record: string, row: RecordRow | null): void {
    this.#rows.set(keyOf(record), row === null ? null : writeRecordRow(WRITER.restart(), row));
  }

  blob(hash: string): BlobRow | null | undefined {
    const value = this.#blobs.get(keyOf(hash));
    return value instanceof Uint8Array ? decodeBlobRow(value) : value;
  }

  putBlob(hash: string, row: BlobRow | null): void {
    this.#blobs.set(keyOf(hash), row === null ? null : writeBlobRow(WRITER.restart(), row));
  }

  addLocator(locator: Uint8Array, record: string): void {
    this.#locators.set(locatorKeyOf(locator, record), WRITER.restart());
  }

  removeLocator(locator: Uint8Array, record: string): void {
    this.#locators.set(locatorKeyOf(locator, record), null);
  }

  /** Keys of the records that were given this locator. */
  recordsAt(locator: Uint8Array): string[] {
    return this.#locators.withPrefix(locator).map((key) => key.slice(LOCATOR_BYTES));
  }

  /** Lays newer changes over these. */
  takeOver(newer: Changes): void {
    for (const [i, table] of newer.tables.entries()) this.tables[i]!.takeOver(table);
    for (const [key, value] of newer.others) this.others.set(key, value);
  }
}

const NOTHING = new Uint8Array(0);
/** What is written here is copied, or looked for, before anything else is. */
const WRITER = new ByteWriter();
const KEY = new ByteWriter();

function keyOf(key: string): Uint8Array {
  return KEY.restart().latin1(key).finish();
}

function locatorKeyOf(locator: Uint8Array, record: string): Uint8Array {
  return KEY.restart().part(locator, 0, locator.length).latin1(record).finish();
}
