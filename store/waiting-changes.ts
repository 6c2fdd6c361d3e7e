/**
 * What the index has changed and the database has not: the changes that gather, and in front of them those that are just being
 * written. Whoever asks sees both, the later first.
 */
import type { BlobRow } from './blob-row.js';
import { Changes } from './changes.js';
import type { RecordRow } from './record-row.js';

export class WaitingChanges {
  /** Of the tables; see byte-table.ts. */
  readonly #seed: Uint8Array;
  #gathering: Changes;
  #underWay: Changes | undefined;

  constructor(seed: Uint8Array) {
    this.#seed = seed;
    this.#gathering = new Changes(seed);
  }

  get gathering(): Changes {
    return this.#gathering;
  }

  /** Whether these have not been written, all of them. */
  has(changes: Changes): boolean {
    return changes === this.#gathering || changes === this.#underWay;
  }

  /** null: deleted; undefined: not changed. */
  row(record: string): RecordRow | null | undefined {
    const row = this.#gathering.row(record);
    return row === undefined ? this.#underWay?.row(record) : row;
  }

  blob(hash: string): BlobRow | null | undefined {
    const blob = this.#gathering.blob(hash);
    return blob === undefined ? this.#underWay?.blob(hash) : blob;
  }

  other(key: string): Uint8Array | null | undefined {
    const value = this.#gathering.others.get(key);
    return value === undefined ? this.#underWay?.others.get(key) : value;
  }

  /** The others of a range, in order. */
  othersBetween(gte: string, lt: string): [string, Uint8Array | null][] {
    const found = new Map<string, Uint8Array | null>();
    for (const changes of [this.#underWay, this.#gathering]) {
      if (changes !== undefined) for (const [key, value] of changes.others) if (key >= gte && key < lt) found.set(key, value);
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Keys of the records that were given this locator. */
  recordsAt(locator: Uint8Array): string[] {
    return [...(this.#underWay?.recordsAt(locator) ?? []), ...this.#gathering.recordsAt(locator)];
  }

  /** What has gathered goes out through `write`; where that fails it waits again, below what has come meanwhile. */
  async write(write: (changes: Changes) => Promise<void>): Promise<void> {
    const changes = this.#gathering;
    this.#underWay = changes;
    this.#gathering = new Changes(this.#seed);
    try {
      await write(changes);
    } catch (error) {
      changes.takeOver(this.#gathering);
      this.#gathering = changes;
      throw error;
    } finally {
      this.#underWay = undefined;
    }
  }
}
