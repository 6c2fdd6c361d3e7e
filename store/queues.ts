/** What the gateway asks of the queues: what is due, what comes next, what is held up. */
import { toHex } from '../base/bytes.js';
import { recordKey, toBytes } from './keys.js';
import type { KeyedRow } from './record-reader.js';
import type { RecordRow } from './record-row.js';
import type { QueueStatus, Schedule, StoredRecord } from './store.js';
import type { StoreParts } from './store-parts.js';

/** How far a queue is looked through for its oldest record; beyond it, the answer is the oldest of so many. */
const STATUS_RECORDS = 1000;
/** Fewer than the rows that the index keeps at hand. */
const CHANGED_AT_ONCE = 1024;
const WARMED_FROM = 16;
const UNREADABLE_AGAIN_MS = 6 * 3_600_000;

export class Queues {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** Known without looking: nothing is due. */
  isEmptyUntil(target: string, nowMs: number): boolean {
    const first = this.#parts.due.knownFirst(target);
    return first !== undefined && (first.dueMs ?? Number.POSITIVE_INFINITY) > nowMs;
  }

  async due(target: string, nowMs: number, limit: number): Promise<StoredRecord[]> {
    if (this.isEmptyUntil(target, nowMs)) return [];
    const found = await this.#take(target, undefined, nowMs, limit);
    return this.#parts.records.readMany(found, (keyed) => this.#putOff(keyed, nowMs));
  }

  async nextDueMs(target: string): Promise<number | undefined> {
    const { due } = this.#parts;
    const known = due.knownFirst(target);
    return known === undefined ? due.first(target) : known.dueMs;
  }

  async reschedule(changes: readonly { readonly rid: Uint8Array; readonly schedule: Schedule }[]): Promise<void> {
    for (let done = 0; done < changes.length; done += CHANGED_AT_ONCE) {
      const some = changes.slice(done, done + CHANGED_AT_ONCE).map(({ rid, schedule }) => ({ key: recordKey(rid), schedule }));
      if (some.length >= WARMED_FROM) await this.#parts.index.warm(some.map(({ key }) => key));
      for (const { key, schedule } of some) this.#reschedule(key, schedule);
    }
  }

  async hurry(target: string, nowMs: number, limit: number): Promise<number> {
    let changed = 0;
    for (const { record } of await this.#take(target, nowMs + 1, undefined, limit)) if (this.#reschedule(record, { target, dueMs: nowMs, attempts: 0 })) changed += 1;
    return changed;
  }

  async status(): Promise<QueueStatus[]> {
    const { book } = this.#parts;
    const statuses: QueueStatus[] = [];
    for (const target of book.queues()) {
      const rows = (await this.#take(target, undefined, undefined, STATUS_RECORDS)).map(({ row }) => row);
      const first = rows[0];
      if (first === undefined) continue;
      const oldestHeldAtMs = rows.reduce((oldest, row) => Math.min(oldest, row.heldAtMs), first.heldAtMs);
      statuses.push({ target, ...book.usage('queue', target), oldestHeldAtMs, nextDueMs: first.schedule.dueMs });
    }
    return statuses;
  }

  async list(target: string, limit: number, afterRid?: Uint8Array): Promise<StoredRecord[]> {
    const { index, records, due } = this.#parts;
    const start = afterRid === undefined ? undefined : recordKey(afterRid);
    const fromMs = start === undefined ? undefined : index.row(start)?.schedule.dueMs;
    let found: KeyedRow[] = [];
    // Those of the same millisecond are looked through for it; behind them it would have been passed.
    let passed = start === undefined;
    if (limit <= 0) return [];
    for await (const queued of due.walk(target, fromMs, undefined)) {
      if (queued.record === start) [found, passed] = [[], true];
      else found.push(queued);
      if (found.length >= limit && (passed || queued.row.schedule.dueMs !== fromMs)) break;
    }
    return records.readMany(found.slice(0, limit));
  }

  /** A record that cannot be read must not stand in the way of those behind it. A medium may have good days. */
  #putOff({ record, row }: KeyedRow, nowMs: number): void {
    this.#parts.report({ kind: 'record-unreadable', record: toHex(toBytes(record)) });
    this.#reschedule(record, { ...row.schedule, dueMs: nowMs + UNREADABLE_AGAIN_MS });
  }

  async #take(target: string, fromMs: number | undefined, toMs: number | undefined, limit: number): Promise<KeyedRow[]> {
    const found: KeyedRow[] = [];
    if (limit <= 0) return found;
    for await (const queued of this.#parts.due.walk(target, fromMs, toMs)) {
      found.push(queued);
      if (found.length === limit) break;
    }
    return found;
  }

  #reschedule(key: string, schedule: Schedule): boolean {
    const row: RecordRow | undefined = this.#parts.index.row(key);
    if (row === undefined || row.state !== 'held') return false;
    this.#parts.ledger.reschedule(key, row, schedule);
    return true;
  }
}
