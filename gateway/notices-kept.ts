/**
 * What neighbours have and have told us of, without its blob: what an operator may ask for, and what a rule asks for at once.
 * A notice takes no room in the store and moves no custody; it lies there until the blob is here, until the neighbour says
 * that it has it no more, until somebody opens the record, or until its expiry. How much a neighbour may tell us is bounded.
 */
import { fromBase64url, toBase64url, toHex, utf8 } from '../base/bytes.js';
import type { LinkLimit } from '../links/link.js';
import type { Store } from '../store/store.js';
import { opens } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import { decodeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import type { ClockTrust } from './clock-trust.js';
import { DomainMap } from './domain-map.js';

export interface FetchRule {
  readonly to: string;
  readonly mostBytes?: number | undefined;
}

export interface Notice {
  readonly record: TransitRecord;
  /** The neighbour that has it. */
  readonly from: string;
  readonly toldMs: number;
  /** When it was asked for, where it was. */
  readonly askedMs?: number;
}

/** At most 8 KiB each, and hardly ever more than 300 bytes. */
const MOST_KEPT = 256;
const MOST_BYTES = 256 * 1024;

interface Saved {
  readonly record: string;
  readonly toldMs: number;
  readonly askedMs?: number;
}

export class NoticesKept {
  readonly #store: Store;
  readonly #trust: Pick<ClockTrust, 'nowMs' | 'trusted'>;
  readonly #rules: DomainMap<FetchRule>;
  readonly #kept = new Map<string, Notice>();
  /** Those there was no room for since the start, by neighbour. */
  readonly #refused = new Map<string, number>();

  constructor(store: Store, trust: Pick<ClockTrust, 'nowMs' | 'trusted'>, rules: readonly FetchRule[]) {
    this.#store = store;
    this.#trust = trust;
    this.#rules = new DomainMap(rules.map((rule) => [rule.to, rule]));
  }

  async restore(peers: readonly string[]): Promise<void> {
    for (const from of peers) {
      const saved = await this.#store.getMeta(metaKey(from));
      if (saved === undefined) continue;
      for (const { record: text, ...times } of JSON.parse(Buffer.from(saved).toString()) as Saved[]) {
        const record = decodeRecord(fromBase64url(text) ?? new Uint8Array(), 'a notice');
        this.#kept.set(toHex(record.rid), { record, from, ...times });
      }
    }
  }

  /** Does a rule ask for this one as soon as we hear of it? */
  asksFor({ destination, blobBytes }: TransitRecord): boolean {
    const rule = this.#rules.get(destination);
    return rule !== undefined && blobBytes <= (rule.mostBytes ?? Number.POSITIVE_INFINITY);
  }

  /** Remembers what a neighbour tells of, as far as there is room. @returns how many are new */
  async keep(from: string, records: readonly TransitRecord[]): Promise<number> {
    this.#prune();
    let { count, bytes } = this.#usage(from);
    let added = 0;
    for (const record of records) {
      const rid = toHex(record.rid);
      if (this.#kept.has(rid)) continue;
      if (count === MOST_KEPT || bytes + record.bytes.length > MOST_BYTES) {
        this.#refused.set(from, (this.#refused.get(from) ?? 0) + 1);
        continue;
      }
      this.#kept.set(rid, { record, from, toldMs: this.#trust.nowMs() });
      count += 1;
      bytes += record.bytes.length;
      added += 1;
    }
    if (added > 0) await this.#save(from);
    return added;
  }

  /** The blobs are here, or will never come. @param from only what this neighbour has told of */
  async drop(rids: readonly Uint8Array[], from?: string): Promise<void> {
    const peers = new Set<string>();
    for (const rid of rids) {
      const notice = this.#kept.get(toHex(rid));
      if (notice === undefined || (from !== undefined && notice.from !== from)) continue;
      this.#kept.delete(toHex(rid));
      peers.add(notice.from);
    }
    for (const peer of peers) await this.#save(peer);
  }

  /** What an opening opens has ended at the neighbour, too. @returns how many */
  async end(opening: Opening): Promise<number> {
    const ended = [...this.#kept.values()].filter(({ record }) => opens(opening, record));
    await this.drop(ended.map(({ record }) => record.rid));
    return ended.length;
  }

  async asked(notices: readonly Notice[]): Promise<void> {
    const askedMs = this.#trust.nowMs();
    for (const notice of notices) this.#kept.set(toHex(notice.record.rid), { ...notice, askedMs });
    for (const peer of new Set(notices.map(({ from }) => from))) await this.#save(peer);
  }

  /** In the order in which they were told of. */
  all(): Notice[] {
    this.#prune();
    return [...this.#kept.values()].sort((a, b) => a.toldMs - b.toldMs);
  }

  limits(from: string): LinkLimit[] {
    const { count, bytes } = this.#usage(from);
    const refused = this.#refused.get(from) ?? 0;
    return [
      { name: 'notices kept', unit: 'count', used: count, most: MOST_KEPT, refused },
      { name: 'room for notices', unit: 'bytes', used: bytes, most: MOST_BYTES, refused: 0 },
    ];
  }

  #usage(from: string): { count: number; bytes: number } {
    const lengths = [...this.#kept.values()].filter((notice) => notice.from === from).map(({ record }) => record.bytes.length);
    return { count: lengths.length, bytes: lengths.reduce((sum, length) => sum + length, 0) };
  }

  /** Expired ones stay in the index until its neighbour's list is written again. */
  #prune(): void {
    if (!this.#trust.trusted) return;
    const nowMs = this.#trust.nowMs();
    for (const [rid, { record }] of this.#kept) if (record.expirySec * 1000 <= nowMs) this.#kept.delete(rid);
  }

  async #save(from: string): Promise<void> {
    const saved = [...this.#kept.values()].filter((notice) => notice.from === from).map(({ record, toldMs, askedMs }): Saved => ({ record: toBase64url(record.bytes), toldMs, ...(askedMs !== undefined && { askedMs }) }));
    await this.#store.putMeta(metaKey(from), utf8(JSON.stringify(saved)));
  }
}

function metaKey(from: string): string {
  return `notices-kept/${from}`;
}
