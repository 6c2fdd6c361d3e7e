/**
 * What expires when: pages (pages.ts) by the hour. Each is visited twice: when its records expire, and when their
 * tombstones have stood long enough. A cursor remembers up to where the first visit is done.
 */
import { after, expiryPrefix, ownKey } from './keys.js';
import type { Page, Pages } from './pages.js';
import type { KeyedRow } from './record-reader.js';
import type { RecordRow } from './record-row.js';
import { isEnd } from './store.js';
import type { StoreIndex } from './store-index.js';

export interface ExpiryPage {
  readonly page: Page;
  readonly members: readonly { readonly record: string; readonly row: RecordRow | undefined }[];
}

/** What has expired and was not seen to yet. */
export interface ExpiredRows {
  readonly rows: readonly KeyedRow[];
  /** Whether there are no more. */
  readonly isAll: boolean;
  /** Says that these have been seen to. */
  readonly seen: () => void;
}

/** Behind so many members of a page. */
interface Place {
  readonly key: string;
  readonly members: number;
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
  /** Where the first visit goes on: tens of thousands may expire in one hour, and be seen to slice by slice. Not kept. */
  #reached: Place | undefined;
  /** Up to this hour the first visit has looked, and so many records have come to where it had. */
  #lookedHour = -1;
  #comers = 0;
  /** In front of this key every page is buried. Not kept: the pages that are left tell. */
  #buried = expiryPrefix(0);
  /** The lowest page added to since `all` was asked for. */
  #added: string | undefined;

  constructor(index: StoreIndex, pages: Pages) {
    this.#index = index;
    this.#pages = pages;
    const done = index.get(DONE_KEY);
    this.#doneHour = done === undefined ? 0 : Buffer.from(done).readUInt32BE();
  }

  /** @param isEnded there is nothing left to expire, only to forget */
  add(record: string, expirySec: number, isEnded: boolean): void {
    const hour = hourOf(expirySec);
    const prefix = this.#prefixOf(hour);
    this.#pages.add(prefix, record);
    if (prefix < this.#buried) this.#buried = prefix;
    if (this.#added === undefined || prefix < this.#added) this.#added = prefix;
    if (isEnded) return;
    this.#doneHour = Math.min(this.#doneHour, hour);
    if (hour > this.#lookedHour) return;
    this.#comers += 1;
    this.#reached = undefined;
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

  /** Up to `limit` records that have expired at `nowSec` and have not ended, behind those that were seen to. */
  async expired(nowSec: number, limit: number): Promise<ExpiredRows> {
    const hour = Math.floor(nowSec / HOUR_SEC);
    const comers = this.#comers;
    this.#lookedHour = Math.max(this.#lookedHour, hour);
    const rows: KeyedRow[] = [];
    const start = expiryPrefix(this.#doneHour);
    const reached = this.#reached !== undefined && this.#reached.key > start ? this.#reached : undefined;
    for await (const page of this.#index.pages(reached?.key ?? start, behind(nowSec))) {
      for (let at = page.key === reached?.key ? reached.members : 0; at < page.members.length; ) {
        if (rows.length === limit) return { rows, isAll: false, seen: () => this.#seenTo(comers, { key: page.key, members: at }) };
        const members = page.members.slice(at, at + limit - rows.length);
        for (const { record, row } of await this.#rowsOf(members)) if (row !== undefined && !isEnd(row.state) && row.expirySec <= nowSec) rows.push({ record, row });
        at += members.length;
      }
    }
    return { rows, isAll: true, seen: () => this.#seenAll(comers, hour) };
  }

  /** Pages of what expired at `untilSec` or before, from the first that is not buried. */
  async *all(untilSec: number): AsyncGenerator<ExpiryPage> {
    this.#added = undefined;
    for await (const page of this.#index.pages(this.#buried, behind(untilSec))) yield { page, members: await this.#rowsOf(page.members) };
  }

  /** Says that in front of this page of `all` no other is left; without one, that none is. */
  buriedUntil(untilSec: number, page?: ExpiryPage): void {
    const key = page?.page.key ?? behind(untilSec);
    this.#buried = this.#added !== undefined && this.#added < key ? this.#added : key;
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

  /** What has come meanwhile may stand in front of it. */
  #seenTo(comers: number, place: Place): void {
    if (comers === this.#comers) this.#reached = place;
  }

  #seenAll(comers: number, hour: number): void {
    if (comers === this.#comers) this.#doneHour = Math.max(this.#doneHour, hour + 1);
  }

  async #rowsOf(records: readonly string[]): Promise<ExpiryPage['members']> {
    const rows = await this.#index.rows(records);
    return records.map((record, i) => ({ record, row: rows[i] }));
  }
}

/** Behind every page of what expires at `nowSec` or before. */
function behind(nowSec: number): string {
  return after(expiryPrefix(Math.max(0, Math.floor(nowSec / HOUR_SEC))));
}

const DONE_KEY = ownKey('expired');
/** Hours are four bytes in a key. A record may claim any expiry; beyond the year 490,000 they are all the same to us. */
const LAST_HOUR = 0xffff_fffe;

function hourOf(expirySec: number): number {
  return Math.min(LAST_HOUR, Math.ceil(expirySec / HOUR_SEC));
}
