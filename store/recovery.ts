/**
 * Brings the index up to what the log says: from the watermark on after a crash, from the beginning when the index is lost.
 * Everything here may be done over again.
 */
import { toHex } from '../base/bytes.js';
import { after, hashKey, recordKey, rowKey, toBytes } from './keys.js';
import { decodeContent } from './log-content.js';
import type { Position } from './position.js';
import { decodeRecordRow } from './record-row.js';
import type { LoggedEntry } from './segment-log.js';
import type { Horizon, SegmentHeader } from './segment.js';
import { isEnd } from './store.js';
import type { StoreParts } from './store-parts.js';

export interface RecoveryReport {
  readonly entries: number;
  /** Records whose blob is not there: never whole, or damaged. They are as if never held. */
  readonly disowned: readonly Uint8Array[];
}

export class Recovery {
  readonly #parts: StoreParts;
  /** Records whose blob had not been seen when they were, and which blob that is. */
  readonly #withoutBlob = new Map<string, string>();
  /** Blobs that no living record has followed yet. */
  readonly #withoutRecord = new Map<string, Uint8Array>();
  #entries = 0;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** Returns undefined when the index knows more than the log: it belongs to another time. */
  async run(): Promise<RecoveryReport | undefined> {
    const { log, index } = this.#parts;
    const { watermark, through } = index.notes;
    const end = await log.replay(watermark, (header) => this.#header(header), (entry) => this.#apply(entry));
    if (through > end) {
      await this.#tellCutOff(end);
      return undefined;
    }
    index.applied(end);
    const disowned = await this.#disownIncomplete();
    this.#dropIncoming();
    for (const hash of this.#withoutRecord.values()) this.#parts.ledger.dropIfIdle(hash);
    await index.flush();
    await this.#sweep();
    return { entries: this.#entries, disowned };
  }

  /** The end of the log is gone, and only the index, which is of no use without it, knows what stood there. */
  async #tellCutOff(end: Position): Promise<void> {
    const { index, report } = this.#parts;
    const lost: string[] = [];
    for await (const [key, value] of index.written.range(rowKey(''), after(rowKey('')))) {
      const row = decodeRecordRow(value);
      if (!isEnd(row.state) && row.entry > end) lost.push(toHex(toBytes(key.slice(rowKey('').length))));
    }
    if (lost.length > 0) report({ kind: 'records-lost', rids: lost });
  }

  async #header({ horizon }: SegmentHeader): Promise<void> {
    if (horizon.position > 0) await this.#forget(horizon);
  }

  async #apply({ kind, position, payload }: LoggedEntry): Promise<void> {
    const { ledger, index, outbox, incoming, clock } = this.#parts;
    const content = decodeContent(kind, payload);
    this.#entries += 1;
    switch (content.kind) {
      case 'blob':
      case 'blob-file':
        ledger.applyBlob(content, position, index.blob(hashKey(content.hash)));
        this.#withoutRecord.set(hashKey(content.hash), content.hash);
        break;
      case 'record':
      case 'copy': {
        // Nobody knows any more when it was due: now, then, and in the order of arrival.
        const dueMs = Math.min(content.heldAtMs, clock.nowMs());
        const key = recordKey(content.record.rid);
        const hash = hashKey(content.record.blobHash);
        ledger.applyRecord(content, { position, payloadBytes: payload.length }, { target: content.target, dueMs, attempts: 0 }, index.row(key));
        incoming.end(key);
        const blob = index.blob(hash);
        if (blob?.entry === 0) this.#withoutBlob.set(key, hash);
        if (blob !== undefined && blob.references > 0) this.#withoutRecord.delete(hash);
        break;
      }
      case 'step':
        ledger.applyStep(content, position);
        break;
      case 'outbox':
        outbox.apply(content.entries, position);
        break;
      case 'arrived':
        if (index.row(recordKey(content.record.rid)) === undefined) incoming.arrive(incoming.begin(content.record, content.from, content.heldAtMs), position, payload.length);
        break;
      case 'horizon':
        await this.#forget({ expirySec: content.expirySec, position });
        break;
    }
    index.applied(position);
    if (index.behind) await index.catchUp();
  }

  /** Forgets what was written before the horizon and expired within it, whatever state a lost step has left it in. */
  async #forget(horizon: Horizon): Promise<void> {
    const { expiry, ledger, records } = this.#parts;
    for await (const page of expiry.all(horizon.expirySec)) {
      let left = 0;
      for (const { record, row } of page.members) {
        if (row === undefined) continue;
        if (row.entry > horizon.position) {
          left += 1;
          continue;
        }
        const stored = await records.read({ record, row }).catch(() => undefined);
        ledger.endUnseen(record, row);
        ledger.forget(record, row, stored?.record.locator);
      }
      if (left === 0) expiry.bury(page);
    }
  }

  async #disownIncomplete(): Promise<Uint8Array[]> {
    const { index, ledger, records } = this.#parts;
    const disowned: Uint8Array[] = [];
    for (const [key, hash] of this.#withoutBlob) {
      const row = index.row(key);
      if (row === undefined || isEnd(row.state) || (index.blob(hash)?.entry ?? 0) !== 0) continue;
      const { record } = await records.read({ record: key, row });
      ledger.disown(key, row, record.locator);
      disowned.push(record.rid);
    }
    return disowned;
  }

  /** A blob that was to wait for its record, and is not there. */
  #dropIncoming(): void {
    const { index, incoming } = this.#parts;
    for (const [key, way] of [...incoming.all()]) {
      const arrived = (index.blob(hashKey(way.record.blobHash))?.entry ?? 0) !== 0;
      if (index.row(key) !== undefined || (way.arrived !== undefined && !arrived)) incoming.end(key);
    }
  }

  async #sweep(): Promise<void> {
    const { incoming, files, index } = this.#parts;
    const parts = new Set([...incoming.all()].filter(([, way]) => way.arrived === undefined).map(([key]) => key));
    await files.sweep(parts, (hash, suffix) => index.blob(hashKey(hash))?.suffix === suffix);
  }
}
