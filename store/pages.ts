/**
 * Lists of record keys under an ordered prefix (a due time of a queue, an hour of expiry), one index entry for all that
 * were written together. A page is a hint: a record is where its row says, and a member whose row says otherwise is
 * stale. So stepping a record on costs no write here, and a queue's dead head is removed a page at a time.
 *
 * A page in which all is stale is buried, which means passed over, and deleted only when an index checkpoint has made
 * durable what turned it stale: the index may lose writes from the middle at a power cut, and a page lost beside a row that
 * fell back to it would be a record that nobody ever sees again.
 */
import type { Random } from '../base/random.js';
import { RECORD_KEY_BYTES, fromBytes, pageKey, toBytes } from './keys.js';

const LARGEST_PAGE = 4096;
/** Page numbers begin at a random place each time the store is opened, so that one made before a crash is not overwritten. */
const PAGE_START_BYTES = 6;

export class Pages {
  #next: number;
  readonly #members = new Map<string, string[]>();
  readonly #buried = new Set<string>();
  #deletable: string[] = [];

  constructor(random: Random) {
    this.#next = random.bytes(PAGE_START_BYTES).reduce((value, byte) => value * 256 + byte, 0);
  }

  add(prefix: string, record: string): void {
    const members = this.#members.get(prefix);
    if (members === undefined) this.#members.set(prefix, [record]);
    else members.push(record);
  }

  get waiting(): boolean {
    return this.#members.size > 0 || this.#deletable.length > 0;
  }

  /** Writes what was added since the last time, and deletes what may be. */
  drain(put: (key: string, value: Uint8Array | null) => void): void {
    for (const [prefix, members] of this.#members) {
      for (let i = 0; i < members.length; i += LARGEST_PAGE) put(pageKey(prefix, this.#next++), toBytes(members.slice(i, i + LARGEST_PAGE).join('')));
    }
    this.#members.clear();
    for (const key of this.#deletable) {
      put(key, null);
      this.#buried.delete(key);
    }
    this.#deletable = [];
  }

  /** For a page whose members are all stale in the index as it is written. */
  bury(key: string): void {
    this.#buried.add(key);
  }

  isBuried(key: string): boolean {
    return this.#buried.has(key);
  }

  /** Called before an index checkpoint begins; what it returns is called when the checkpoint has held. */
  atCheckpoint(): () => void {
    const buried = [...this.#buried];
    return () => (this.#deletable = buried.filter((key) => this.#buried.has(key)));
  }
}

export function membersOf(page: Uint8Array): string[] {
  const all = fromBytes(page);
  const members: string[] = [];
  for (let i = 0; i < all.length; i += RECORD_KEY_BYTES) members.push(all.slice(i, i + RECORD_KEY_BYTES));
  return members;
}
