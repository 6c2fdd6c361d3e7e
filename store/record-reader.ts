/** Makes stored records of rows: reads the record of each from the log, in the order in which they lie there. */
import { copyBytes } from '../base/bytes.js';
import { decodeContent } from './log-content.js';
import type { RecordRow } from './record-row.js';
import type { SegmentLog } from './segment-log.js';
import type { TransitRecord } from '../wire/record.js';
import { isEnd } from './store.js';
import type { StoredRecord } from './store.js';
import { damaged } from './store-errors.js';

/** Reads under way at once: as many as the thread pool of Node takes. */
const PARALLEL_READS = 4;

export class RecordReader {
  readonly #log: SegmentLog;

  constructor(log: SegmentLog) {
    this.#log = log;
  }

  async read(row: RecordRow): Promise<StoredRecord> {
    const record = row.record ?? (await this.#readRecord(row));
    return {
      record,
      state: row.state,
      from: row.from,
      ...(row.to !== undefined && { to: row.to }),
      heldAtMs: row.heldAtMs,
      ...(!isEnd(row.state) && { schedule: row.schedule }),
    };
  }

  async readMany(rows: readonly RecordRow[]): Promise<StoredRecord[]> {
    const records: StoredRecord[] = new Array<StoredRecord>(rows.length);
    const order = rows.map((row, i) => ({ row, i })).sort((a, b) => a.row.entry - b.row.entry);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let item = order[next++]; item !== undefined; item = order[next++]) records[item.i] = await this.read(item.row);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, order.length) }, work));
    return records;
  }

  async #readRecord(row: RecordRow): Promise<TransitRecord> {
    const payload = await this.#log.read(row.entry, row.entryPayloadBytes);
    const content = decodeContent('record', copyBytes(payload));
    if (content.kind !== 'record') throw damaged('a record entry of the log');
    return content.record;
  }
}
