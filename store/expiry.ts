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

export class Expiry {
  readonly #index: StoreIndex;
  readonly #pages: Pages;
  /** All that expires before this hour has been expired. */
  #doneHour: number;

  constructor(index: StoreIndex, pages: Pages) {
    this.#index = index;
    this.#pages = pages;
    const done = index.get(DONE_KEY);
    this.#doneHour = done === undefined ? 0 : Buffer.from(done).readUInt32BE();
  }

  add(record: string, expirySec: number): void {
    const hour = hourOf(expirySec);
    this.#pages.add(expiryPrefix(hour), record);
    this.#doneHour = Math.min(this.#doneHour, hour);
  }

  drain(put: (key: string, value: Uint8Array) => void): void {
    const done = Buffer.alloc(4);
    done.writeUInt32BE(this.#doneHour);
    put(DONE_KEY, done);
  }

  /** Pages whose records have expired at `nowSec` and were not all seen to yet. */
  expired(nowSec: number): AsyncGenerator<ExpiryPage> {
    return this.#walk(expiryPrefix(this.#doneHour), nowSec);
  }

  /** Pages of what expired at `untilSec` or before, from the first. */
  all(untilSec: number): AsyncGenerator<ExpiryPage> {
    return this.#walk(expiryPrefix(0), untilSec);
  }

  /** Says that all pages which expired at `nowSec` have been seen to, as far as they were there when the walk began. */
  done(nowSec: number): void {
    this.#doneHour = Math.max(this.#doneHour, Math.floor(nowSec / HOUR_SEC) + 1);
  }

  bury({ page }: ExpiryPage): void {
    this.#pages.bury(page);
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
