/** Makes stored records of rows: reads the record of each from the log, in the order in which they lie there. */
import { copyBytes } from '../base/bytes.js';
import { decodeContent } from './log-content.js';
import type { Position } from './position.js';
import { Recently } from './recently.js';
import type { RecordRow } from './record-row.js';
import type { SegmentLog } from './segment-log.js';
import type { TransitRecord } from '../wire/record.js';
import { isEnd } from './store.js';
import type { StoredRecord } from './store.js';
import { damaged, isDamage } from './store-errors.js';
import type { StoreIndex } from './store-index.js';

export interface KeyedRow {
  /** Record key; see keys.ts. */
  readonly record: string;
  readonly row: RecordRow;
}

/** Reads under way at once: as many as the thread pool of Node takes. */
const PARALLEL_READS = 4;
/** A record has up to 8 KiB and mostly a twentieth of that. */
const RECORDS_KEPT = 512;

export class RecordReader {
  readonly #log: SegmentLog;
  readonly #index: StoreIndex;
  /** By the entry that holds them, which no other ever stands in the place of. */
  readonly #recently = new Recently<Position, TransitRecord>(RECORDS_KEPT);

  constructor(log: SegmentLog, index: StoreIndex) {
    this.#log = log;
    this.#index = index;
  }

  async read({ record: key, row }: KeyedRow): Promise<StoredRecord> {
    return this.#remembered(row) ?? (await this.#look(key, row));
  }

  /** @param unreadable told of those that the medium has damaged: they are left out */
  async readMany(rows: readonly KeyedRow[], unreadable: (keyed: KeyedRow) => void = () => undefined): Promise<StoredRecord[]> {
    const records: (StoredRecord | undefined)[] = new Array<undefined>(rows.length);
    const order: { readonly keyed: KeyedRow; readonly i: number }[] = [];
    for (const [i, keyed] of rows.entries()) {
      records[i] = this.#remembered(keyed.row);
      if (records[i] === undefined) order.push({ keyed, i });
    }
    order.sort((a, b) => a.keyed.row.entry - b.keyed.row.entry);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let item = order[next++]; item !== undefined; item = order[next++]) {
        const { keyed, i } = item;
        records[i] = await this.#look(keyed.record, keyed.row).catch((error: unknown) => {
          if (!isDamage(error)) throw error;
          unreadable(keyed);
          return undefined;
        });
      }
    };
    if (order.length > 0) await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, order.length) }, work));
    return records.filter((stored) => stored !== undefined);
  }

  #remembered(row: RecordRow): StoredRecord | undefined {
    const record = this.#recently.get(row.entry);
    return record === undefined ? undefined : stored(record, row);
  }

  async #look(key: string, row: RecordRow): Promise<StoredRecord> {
    const record = await this.#find(key, row);
    this.#recently.set(row.entry, record);
    return stored(record, row);
  }

  async #find(key: string, row: RecordRow): Promise<TransitRecord> {
    try {
      return await this.#readRecord(row);
    } catch (error) {
      // Compaction may have moved it since the row was read.
      const now = this.#index.row(key);
      if (now === undefined || now.entry === row.entry) throw error;
      return this.#find(key, now);
    }
  }

  async #readRecord(row: RecordRow): Promise<TransitRecord> {
    const payload = await this.#log.read(row.entry, row.entryPayloadBytes);
    const content = decodeContent('record', copyBytes(payload));
    if (content.kind !== 'record') throw damaged('a record entry of the log');
    return content.record;
  }
}

function stored(record: TransitRecord, row: RecordRow): StoredRecord {
  return {
    record,
    state: row.state,
    from: row.from,
    ...(row.to !== undefined && { to: row.to }),
    heldAtMs: row.heldAtMs,
    ...(!isEnd(row.state) && { schedule: row.schedule }),
  };
}
