/** Changes of the index that the database does not have yet. `null` stands for a deletion. */
import type { BlobRow } from './blob-row.js';
import { RECORD_KEY_BYTES } from './keys.js';
import type { RecordRow } from './record-row.js';

/** What one of each takes in the database, key and all, about. */
const ROW_BYTES = 240;
const BLOB_BYTES = 100;
const LOCATOR_BYTES = 65;
const OTHER_BYTES = 100;

export class Changes {
  readonly rows = new Map<string, RecordRow | null>();
  readonly blobs = new Map<string, BlobRow | null>();
  readonly others = new Map<string, Uint8Array | null>();
  /** Record keys by the prefix that the keys of their locator have in the database. */
  readonly locators = new Map<string, readonly string[]>();
  /** Whole keys of those that are to go from the database. */
  readonly lostLocators = new Set<string>();

  get isEmpty(): boolean {
    return this.rows.size === 0 && this.blobs.size === 0 && this.others.size === 0 && this.locators.size === 0 && this.lostLocators.size === 0;
  }

  /** What they take when they are written, about. */
  get bytes(): number {
    return this.rows.size * ROW_BYTES + this.blobs.size * BLOB_BYTES + this.locators.size * LOCATOR_BYTES + (this.others.size + this.lostLocators.size) * OTHER_BYTES;
  }

  addLocator(prefix: string, record: string): void {
    const known = this.locators.get(prefix);
    if (known === undefined) this.locators.set(prefix, [record]);
    else if (!known.includes(record)) this.locators.set(prefix, [...known, record]);
    if (this.lostLocators.size > 0) this.lostLocators.delete(prefix + record);
  }

  removeLocator(prefix: string, record: string): void {
    const known = this.locators.get(prefix);
    if (known !== undefined) this.locators.set(prefix, known.filter((other) => other !== record));
    this.lostLocators.add(prefix + record);
  }

  /** Lays newer changes over these. */
  takeOver(newer: Changes): void {
    for (const [key, row] of newer.rows) this.rows.set(key, row);
    for (const [key, row] of newer.blobs) this.blobs.set(key, row);
    for (const [key, value] of newer.others) this.others.set(key, value);
    for (const key of newer.lostLocators) this.removeLocator(key.slice(0, -RECORD_KEY_BYTES), key.slice(-RECORD_KEY_BYTES));
    for (const [prefix, records] of newer.locators) for (const record of records) this.addLocator(prefix, record);
  }
}

/** undefined: not among the changes. */
export function latest<Value>(newer: ReadonlyMap<string, Value | null>, older: ReadonlyMap<string, Value | null> | undefined, key: string): Value | null | undefined {
  const value = newer.get(key);
  return value === undefined ? older?.get(key) : value;
}
