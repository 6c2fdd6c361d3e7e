/**
 * The queues: held records in order of their due time, as pages (pages.ts) that are checked against the rows. Where a queue's
 * dead head ends is remembered, so that looking for the next record costs what the answer costs.
 */
import { after, duePrefix, queuePrefix } from './keys.js';
import type { Page, Pages } from './pages.js';
import type { KeyedRow } from './record-reader.js';
import type { RecordRow } from './record-row.js';
import type { Schedule } from './store.js';
import type { StoreIndex } from './store-index.js';

/** Rows looked up in one go: few at first, since most who ask want the first record only. */
const FIRST_LOOKUP_MEMBERS = 16;
const LOOKUP_MEMBERS = 1024;
/** A page this empty is written anew, so that the living few in it cost less to find. */
const REWRITE_BELOW = 0.5;
const REWRITE_FROM_MEMBERS = 16;
/** Queues whose latest due time is remembered. */
const MOST_LAST = 256;

export class DueQueue {
  readonly #index: StoreIndex;
  readonly #pages: Pages;
  /** Per queue: in front of this key everything is stale. */
  readonly #heads = new Map<string, string>();
  /** Per queue, where it is known: the record that is due first, if there is one. A gateway with nothing to do asks again and again. */
  readonly #firsts = new Map<string, { readonly record: string; readonly dueMs: number } | 'empty'>();
  /** Per queue: goes up with every change of it. */
  readonly #versions = new Map<string, number>();
  /** Per queue: the latest due time, and what its pages begin with. */
  readonly #last = new Map<string, { readonly dueMs: number; readonly prefix: string }>();
  /** Walks under way, and the lowest page added to their queue meanwhile. */
  readonly #walks = new Set<{ readonly target: string; lowest: string | undefined }>();

  constructor(index: StoreIndex, pages: Pages) {
    this.#index = index;
    this.#pages = pages;
  }

  /** Must be called with every write of a held record's row, which puts row and page into the same batch. */
  add(record: string, row: RecordRow): void {
    const { target, dueMs } = row.schedule;
    const prefix = this.#prefixOf(row.schedule);
    this.#pages.add(prefix, record);
    const head = this.#heads.get(target);
    if (head !== undefined && prefix < head) this.#heads.set(target, prefix);
    for (const walk of this.#walks) {
      if (walk.target === target && (walk.lowest === undefined || prefix < walk.lowest)) walk.lowest = prefix;
    }
    this.#changed(target);
    const first = this.#firsts.get(target);
    if (first !== undefined && (first === 'empty' || dueMs < first.dueMs)) this.#firsts.set(target, { record, dueMs });
  }

  /** Must be called when a record is going to stand in its queue no more, or elsewhere in it. */
  left(record: string, { schedule: { target } }: RecordRow): void {
    this.#changed(target);
    const first = this.#firsts.get(target);
    if (first !== undefined && first !== 'empty' && first.record === record) this.#firsts.delete(target);
  }

  /** When the first record of a queue is due, as far as that is known without looking. */
  knownFirst(target: string): { readonly dueMs: number | undefined } | undefined {
    const first = this.#firsts.get(target);
    return first === undefined ? undefined : { dueMs: first === 'empty' ? undefined : first.dueMs };
  }

  /** Looks, and remembers. */
  async first(target: string): Promise<number | undefined> {
    const version = this.#versions.get(target);
    let first: KeyedRow | undefined;
    for await (const queued of this.walk(target, undefined, undefined)) {
      first = queued;
      break;
    }
    const dueMs = first?.row.schedule.dueMs;
    if (this.#versions.get(target) === version) this.#firsts.set(target, first === undefined ? 'empty' : { record: first.record, dueMs: first.row.schedule.dueMs });
    return dueMs;
  }

  /** Held records of a queue with due times from `fromMs` to `toMs`, in order. */
  async *walk(target: string, fromMs: number | undefined, toMs: number | undefined): AsyncGenerator<KeyedRow> {
    const start = fromMs === undefined ? (this.#heads.get(target) ?? queuePrefix(target)) : duePrefix(target, fromMs);
    const end = toMs === undefined ? after(queuePrefix(target)) : duePrefix(target, toMs + 1);
    const seen = new Set<string>();
    const walk = { target, lowest: undefined };
    let atHead = fromMs === undefined;
    this.#walks.add(walk);
    try {
      for await (const page of this.#checked(start, end)) {
        this.#tend(page);
        if (page.living.length === 0) continue;
        if (atHead) this.#setHead(walk, page.key);
        atHead = false;
        for (const queued of page.living) {
          if (seen.has(queued.record)) continue;
          seen.add(queued.record);
          yield queued;
        }
      }
      if (atHead) this.#setHead(walk, end);
    } finally {
      this.#walks.delete(walk);
    }
  }

  #changed(target: string): void {
    this.#versions.set(target, (this.#versions.get(target) ?? 0) + 1);
  }

  /** Records come many to a queue and a millisecond. */
  #prefixOf({ target, dueMs }: Schedule): string {
    const last = this.#last.get(target);
    if (last?.dueMs === dueMs) return last.prefix;
    const prefix = duePrefix(target, dueMs);
    if (this.#last.size >= MOST_LAST) this.#last.clear();
    this.#last.set(target, { dueMs, prefix });
    return prefix;
  }

  #setHead(walk: { readonly target: string; readonly lowest: string | undefined }, key: string): void {
    this.#heads.set(walk.target, walk.lowest !== undefined && walk.lowest < key ? walk.lowest : key);
  }

  /** Pages with those of their members that are where the page says. */
  async *#checked(start: string, end: string): AsyncGenerator<CheckedPage> {
    for await (const pages of this.#chunks(start, end)) {
      const rows = await this.#index.rows(pages.flatMap((page) => page.members));
      let next = 0;
      for (const page of pages) {
        const living: KeyedRow[] = [];
        for (const record of page.members) {
          const row = rows[next++];
          if (row !== undefined && isIn(page.key, row)) living.push({ record, row });
        }
        yield { ...page, living };
      }
    }
  }

  async *#chunks(start: string, end: string): AsyncGenerator<Page[]> {
    let pages: Page[] = [];
    let members = 0;
    let enough = FIRST_LOOKUP_MEMBERS;
    for await (const page of this.#index.pages(start, end)) {
      pages.push(page);
      members += page.members.length;
      if (members < enough) continue;
      yield pages;
      enough = Math.min(LOOKUP_MEMBERS, 4 * enough);
      pages = [];
      members = 0;
    }
    if (pages.length > 0) yield pages;
  }

  #tend(page: CheckedPage): void {
    const { members, living } = page;
    const sparse = members.length >= REWRITE_FROM_MEMBERS && living.length < members.length * REWRITE_BELOW;
    if (living.length > 0 && !sparse) return;
    if (this.#pages.thin(page, living.map(({ record }) => record))) return;
    for (const { record, row } of living) this.add(record, row);
    this.#pages.bury(page);
  }
}

interface CheckedPage extends Page {
  readonly living: readonly KeyedRow[];
}

/** Whether a row says that its record is held and due as the key of the page says. */
function isIn(pageKey: string, row: RecordRow): boolean {
  return row.state === 'held' && pageKey.startsWith(duePrefix(row.schedule.target, row.schedule.dueMs));
}
