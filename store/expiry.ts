/**
 * What expires when: pages (pages.ts) by the hour. Each is visited twice: when its records expire, and when their
 * tombstones have stood long enough. A cursor remembers up to where the first visit is done.
 */
import { after, expiryHourOf, expiryPrefix, ownKey } from './keys.js';
import type { Page, Pages } from './pages.js';
import type { RecordRow } from './record-row.js';
import type { StoreIndex } from './store-index.js';

export interface ExpiryPage {
  readonly page: Page;
  readonly expirySec: number;
  readonly members: readonly { readonly record: string; readonly row: RecordRow | undefined }[];
}

const HOUR_SEC = 3600;
/** Hours whose prefix is remembered. */
const MOST_PREFIXES = 1024;

export class Expiry {
  readonly #index: StoreIndex;
  readonly #pages: Pages;
  /** By the hour, what its pages begin with. */
  readonly #prefixes = new Map<number, string>();
  /** All that expires before this hour has been expired. */
  #doneHour: number;
  /** In front of this hour every page is buried. Not kept: the pages that are left tell. */
  #buriedHour = 0;
  /** The lowest hour added to since `all` was asked for. */
  #addedHour = Number.POSITIVE_INFINITY;

  constructor(index: StoreIndex, pages: Pages) {
    this.#index = index;
    this.#pages = pages;
    const done = index.get(DONE_KEY);
    this.#doneHour = done === undefined ? 0 : Buffer.from(done).readUInt32BE();
  }

  /** @param isEnded there is nothing left to expire, only to forget */
  add(record: string, expirySec: number, isEnded: boolean): void {
    const hour = hourOf(expirySec);
    this.#pages.add(this.#prefixOf(hour), record);
    this.#buriedHour = Math.min(this.#buriedHour, hour);
    this.#addedHour = Math.min(this.#addedHour, hour);
    if (!isEnded) this.#doneHour = Math.min(this.#doneHour, hour);
  }

  drain(put: (key: string, value: Uint8Array) => void): void {
    const done = Buffer.alloc(4);
    done.writeUInt32BE(this.#doneHour);
    put(DONE_KEY, done);
  }

  /** Whether all that has expired at `nowSec` was seen to, and nothing that had has come since. */
  isDone(nowSec: number): boolean {
    return this.#doneHour > Math.floor(nowSec / HOUR_SEC);
  }

  /** Pages whose records have expired at `nowSec` and were not all seen to yet. */
  expired(nowSec: number): AsyncGenerator<ExpiryPage> {
    return this.#walk(expiryPrefix(this.#doneHour), nowSec);
  }

  /** Pages of what expired at `untilSec` or before, from the first that is not buried. */
  all(untilSec: number): AsyncGenerator<ExpiryPage> {
    this.#addedHour = Number.POSITIVE_INFINITY;
    return this.#walk(expiryPrefix(this.#buriedHour), untilSec);
  }

  /** Says that no page of `all` is left. */
  buried(untilSec: number): void {
    this.#buriedHour = Math.max(this.#buriedHour, Math.min(Math.floor(untilSec / HOUR_SEC) + 1, this.#addedHour));
  }

  /** Says that all pages which expired at `nowSec` have been seen to, as far as they were there when the walk began. */
  done(nowSec: number): void {
    this.#doneHour = Math.max(this.#doneHour, Math.floor(nowSec / HOUR_SEC) + 1);
  }

  bury({ page }: ExpiryPage): void {
    this.#pages.bury(page);
  }

  #prefixOf(hour: number): string {
    let prefix = this.#prefixes.get(hour);
    if (prefix === undefined) {
      if (this.#prefixes.size >= MOST_PREFIXES) this.#prefixes.clear();
      prefix = expiryPrefix(hour);
      this.#prefixes.set(hour, prefix);
    }
    return prefix;
  }

  async *#walk(start: string, untilSec: number): AsyncGenerator<ExpiryPage> {
    const end = after(expiryPrefix(Math.max(0, Math.floor(untilSec / HOUR_SEC))));
    for await (const page of this.#index.pages(start, end)) {
      const rows = await this.#index.rows(page.members);
      yield { page, expirySec: expiryHourOf(page.key) * HOUR_SEC, members: page.members.map((record, i) => ({ record, row: rows[i] })) };
    }
  }
}

const DONE_KEY = ownKey('expired');
/** Hours are four bytes in a key. A record may claim any expiry; beyond the year 490,000 they are all the same to us. */
const LAST_HOUR = 0xffff_fffe;

function hourOf(expirySec: number): number {
  return Math.min(LAST_HOUR, Math.ceil(expirySec / HOUR_SEC));
}
