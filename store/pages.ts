/**
 * Lists of record keys under an ordered prefix (a due time of a queue, an hour of expiry), one index entry for all that
 * were written together. A page is a hint: a record is where its row says, and a member whose row says otherwise is
 * stale. So stepping a record on costs no write here, and a queue's dead head is removed a page at a time.
 *
 * A page waits in memory until the index is written; one in which all is stale by then is never written. A written page in
 * which all is stale is buried, which means passed over, and deleted only when an index checkpoint has made
 * durable what turned it stale: the index may lose writes from the middle at a power cut, and a page lost beside a row that
 * fell back to it would be a record that nobody ever sees again.
 */
import type { Random } from '../base/random.js';
import { ByteWriter } from './binary.js';
import { RECORD_KEY_BYTES, fromBytes, pageKey } from './keys.js';

/** A page as it was looked at. */
export interface Page {
  readonly key: string;
  readonly members: readonly string[];
  /** Set when it had not been written then. */
  readonly origin?: { readonly page: WaitingPage; readonly members: ByteWriter };
}

/** A page that may still get members. */
interface WaitingPage {
  readonly key: string;
  /** As they are written: as strings in an array they would be tens of thousands of things to look after. */
  members: ByteWriter;
  written: boolean;
}

const LARGEST_PAGE_BYTES = 4096 * RECORD_KEY_BYTES;
const FIRST_MEMBERS = 4;
/** Page numbers begin at a random place each time the store is opened, so that one made before a crash is not overwritten. */
const PAGE_START_BYTES = 6;

export class Pages {
  #next: number;
  /** By prefix, the one that is being filled. */
  readonly #open = new Map<string, WaitingPage>();
  /** All that wait, by key, as far as they were in order when last asked for; and those that came since. */
  #ordered: WaitingPage[] = [];
  #added: WaitingPage[] = [];
  readonly #buried = new Set<string>();
  #deletable: string[] = [];
  /** Pages deleted since the last checkpoint. */
  #deleted = 0;

  constructor(random: Random) {
    this.#next = random.bytes(PAGE_START_BYTES).reduce((value, byte) => value * 256 + byte, 0);
  }

  add(prefix: string, record: string): void {
    const open = this.#open.get(prefix);
    if (open !== undefined && open.members.length < LARGEST_PAGE_BYTES) {
      open.members.latin1(record);
      return;
    }
    const page = { key: pageKey(prefix, this.#next++), members: listOf([record]), written: false };
    this.#open.set(prefix, page);
    this.#added.push(page);
  }

  get waiting(): boolean {
    return this.#open.size > 0 || this.#deletable.length > 0;
  }

  /** Those that wait in a range of keys, in order, each as it is when it is come to. */
  between(gte: string, lt: string): Iterable<Page> {
    if (this.#added.length > 0) {
      this.#ordered = inOrder(this.#ordered, this.#added.sort((a, b) => (a.key < b.key ? -1 : 1)));
      this.#added = [];
    }
    return looked(this.#ordered.slice(firstFrom(this.#ordered, gte), firstFrom(this.#ordered, lt)));
  }

  /** Writes what was added since the last time, and deletes what may be. */
  drain(put: (key: string, value: Uint8Array | null) => void): void {
    for (const pages of [this.#ordered, this.#added]) {
      for (const page of pages) {
        page.written = true;
        if (page.members.length > 0) put(page.key, page.members.finish());
      }
    }
    this.#open.clear();
    this.#ordered = [];
    this.#added = [];
    for (const key of this.#deletable) {
      put(key, null);
      this.#buried.delete(key);
    }
    this.#deleted += this.#deletable.length;
    this.#deletable = [];
  }

  /** For a page whose members are all stale in the index as it is or will be written. */
  bury(page: Page): void {
    // Others may have come to it since it was looked at.
    if (!this.thin(page, []) && isWhole(page)) this.#buried.add(page.key);
  }

  /** Leaves only these in a page that has not been written. Whether it has not. */
  thin(page: Page, living: readonly string[]): boolean {
    if (page.origin?.page.written !== false) return false;
    if (isWhole(page)) page.origin.page.members = listOf(living);
    return true;
  }

  /** Buried pages that a cut of power would bring back: after one checkpoint they are deleted, after another they are gone. */
  get lingering(): number {
    return this.#buried.size + this.#deleted;
  }

  isBuried(key: string): boolean {
    return this.#buried.has(key);
  }

  /** Called before an index checkpoint begins; what it returns is called when the checkpoint has held. */
  atCheckpoint(): () => void {
    const buried = [...this.#buried];
    return () => {
      this.#deletable = buried.filter((key) => this.#buried.has(key));
      this.#deleted = 0;
    };
  }
}

export function membersOf(page: Uint8Array): string[] {
  const all = fromBytes(page);
  const members: string[] = [];
  for (let i = 0; i < all.length; i += RECORD_KEY_BYTES) members.push(all.slice(i, i + RECORD_KEY_BYTES));
  return members;
}

function listOf(members: readonly string[]): ByteWriter {
  const list = new ByteWriter(FIRST_MEMBERS * RECORD_KEY_BYTES);
  for (const member of members) list.latin1(member);
  return list;
}

function isWhole({ members, origin }: Page): boolean {
  return origin === undefined || (origin.page.members === origin.members && origin.members.length === members.length * RECORD_KEY_BYTES);
}

function* looked(pages: readonly WaitingPage[]): Generator<Page> {
  for (const page of pages) {
    if (page.members.length > 0) yield { key: page.key, members: membersOf(page.members.finish()), origin: { page, members: page.members } };
  }
}

/** Two ordered lists as one. */
function inOrder(a: readonly WaitingPage[], b: readonly WaitingPage[]): WaitingPage[] {
  const all: WaitingPage[] = [];
  let next = 0;
  for (const page of a) {
    while (next < b.length && b[next]!.key < page.key) all.push(b[next++]!);
    all.push(page);
  }
  while (next < b.length) all.push(b[next++]!);
  return all;
}

/** Index of the first whose key is not before `key`. */
function firstFrom(pages: readonly WaitingPage[], key: string): number {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pages[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
