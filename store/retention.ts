/**
 * The end of things by time: records expire, tombstones are forgotten, transfers that never ended are given up. Costs what
 * has fallen due, not what is held.
 */
import type { Custody } from './custody.js';
import type { ExpiryPage } from './expiry.js';
import { hashKey } from './keys.js';
import { encodeContent } from './log-content.js';
import type { KeyedRow } from './record-reader.js';
import { isEnd } from './store.js';
import type { StoredRecord } from './store.js';
import type { StoreParts } from './store-parts.js';

const HOUR_SEC = 3600;

export class Retention {
  readonly #parts: StoreParts;
  readonly #custody: Custody;
  /** The hour in which nothing was left to expire or to forget. */
  #doneHour: number | undefined;

  constructor(parts: StoreParts, custody: Custody) {
    this.#parts = parts;
    this.#custody = custody;
  }

  /** Known without looking: nothing has fallen due. Every expiry is a full hour (spec/record.md): within one and the same, only what came with an expiry of the past can have. */
  isDone(nowMs: number): boolean {
    const nowSec = Math.floor(nowMs / 1000);
    const { expiry, incoming } = this.#parts;
    return this.#doneHour === Math.floor(nowSec / HOUR_SEC) && expiry.isDone(nowSec) && incoming.size === 0;
  }

  async expire(nowMs: number, limit: number): Promise<StoredRecord[]> {
    if (this.isDone(nowMs)) return [];
    const nowSec = Math.floor(nowMs / 1000);
    const { expiry } = this.#parts;
    const hour = Math.floor(nowSec / HOUR_SEC);
    const { rows, isAll, seen } = await expiry.expired(nowSec, limit);
    const expired = await Promise.all(rows.map((keyed) => this.#expire(keyed)));
    seen();
    this.#giveUpIncoming(nowSec, limit);
    // What is forgotten must have been expired before, all of it.
    if (isAll && (await this.#forget(nowSec, limit)) && rows.length === 0) this.#doneHour = hour;
    return expired.filter((stored) => stored !== undefined);
  }

  /** The record as it was, if it was still there to expire and can be read. */
  async #expire({ record, row }: KeyedRow): Promise<StoredRecord | undefined> {
    const read = this.#parts.records.read({ record, row: { ...row, state: 'expired' } });
    // A record that cannot be read any more expires like all others.
    const stored = await read.catch(() => undefined);
    return (await this.#custody.step(record, { state: 'expired' })) ? stored : undefined;
  }

  #giveUpIncoming(nowSec: number, limit: number): void {
    const { incoming, files, ledger, busy } = this.#parts;
    let left = limit;
    for (const [key, way] of incoming.all()) {
      if (left === 0) return;
      const hash = hashKey(way.record.blobHash);
      if (way.open || way.record.expirySec > nowSec || busy.blobs.has(hash) || busy.shared.has(hash)) continue;
      left -= 1;
      incoming.end(key);
      if (way.arrived !== undefined) ledger.dropIfIdle(way.record.blobHash);
      else files.removePart(key);
    }
  }

  /** Gives true when nothing was left to forget. */
  async #forget(nowSec: number, limit: number): Promise<boolean> {
    const { expiry, limits } = this.#parts;
    const untilSec = Math.floor((nowSec - limits.tombstoneMs / 1000) / HOUR_SEC) * HOUR_SEC;
    if (untilSec < 0) return true;
    let left = limit;
    let isBuried = true;
    for await (const page of expiry.all(untilSec)) {
      if (left <= 0) {
        if (isBuried) expiry.buriedUntil(untilSec, page);
        return false;
      }
      left -= page.members.length;
      isBuried = (await this.#forgetPage(page, untilSec)) && isBuried;
    }
    if (isBuried) expiry.buriedUntil(untilSec);
    return left === limit;
  }

  /**
   * Says in the log what is going to be forgotten. Without it a rebuilt index would take a record whose last steps were in a
   * recycled segment for one that is still held.
   */
  async #raiseHorizon(expirySec: number): Promise<void> {
    const { log, index } = this.#parts;
    await log.appendOne([encodeContent({ kind: 'horizon', expirySec })], ([position]) => {
      log.raiseHorizon({ expirySec, position: position! });
      index.applied(position!);
    });
  }

  /** Whether nothing of it is left. */
  async #forgetPage(page: ExpiryPage, untilSec: number): Promise<boolean> {
    const { index, ledger, expiry, records, log, busy } = this.#parts;
    const ended = page.members.filter(({ row }) => row !== undefined && isEnd(row.state)).map(({ record }) => record);
    // A copy that compaction makes meanwhile would stand behind the horizon, and come back with the next index that is made anew.
    for (const record of ended) for (let wait = busy.records.wait(record); wait !== undefined; wait = busy.records.wait(record)) await wait;
    for (const record of ended) busy.records.begin(record);
    try {
      const rows = ended.flatMap((record) => {
        const row = index.row(record);
        return row === undefined ? [] : [{ record, row }];
      });
      const { horizon } = log;
      if (rows.some(({ row }) => row.expirySec > horizon.expirySec || row.position > horizon.position)) await this.#raiseHorizon(untilSec);
      // The index may lose writes from the middle at a power cut: what ended a record must not be lost beside its being forgotten.
      if (rows.some(({ row }) => row.position > index.notes.watermark)) await index.checkpoint();
      for (const { record, row } of rows) {
        const stored = await records.read({ record, row }).catch(() => undefined);
        ledger.forget(record, row, stored?.record.locator);
      }
    } finally {
      for (const record of ended) busy.records.end(record);
    }
    const isOver = page.members.every(({ row }) => row === undefined || isEnd(row.state));
    if (isOver) expiry.bury(page);
    return isOver;
  }
}
