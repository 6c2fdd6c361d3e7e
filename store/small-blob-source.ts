/** A blob that stands in the log: read whole, checked, and handed out in the parts asked for. */
import { Readable } from 'node:stream';
import { isPosternError } from '../base/errors.js';
import { BLOB_PAYLOAD_OFFSET } from './log-content.js';
import type { SegmentLog } from './segment-log.js';
import type { BlobSource } from './store.js';
import { blobGone } from './store-errors.js';
import type { StoreIndex } from './store-index.js';

export class SmallBlobSource implements BlobSource {
  readonly bytes: number;
  readonly #log: SegmentLog;
  readonly #index: StoreIndex;
  readonly #hash: string;
  readonly #rid: Uint8Array;

  constructor(log: SegmentLog, index: StoreIndex, hash: string, blobBytes: number, rid: Uint8Array) {
    this.bytes = blobBytes;
    this.#log = log;
    this.#index = index;
    this.#hash = hash;
    this.#rid = rid;
  }

  stream(startByte = 0, endByte = this.bytes): Readable {
    const read = this.read.bind(this);
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield await read(startByte, endByte);
    }
    return Readable.from(whole(), { objectMode: false });
  }

  read(startByte: number, endByte: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#index.reading(() => this.#read(startByte, endByte, into));
  }

  async #read(startByte: number, endByte: number, into: Uint8Array | undefined): Promise<Uint8Array> {
    const row = this.#index.blob(this.#hash);
    if (row === undefined) throw blobGone(this.#rid);
    try {
      const payload = await this.#log.read(row.entry, BLOB_PAYLOAD_OFFSET + row.blobBytes);
      const part = payload.subarray(BLOB_PAYLOAD_OFFSET + startByte, BLOB_PAYLOAD_OFFSET + Math.min(endByte, this.bytes));
      into?.set(part);
      return part;
    } catch (error) {
      // Compaction may have moved it while it was looked for.
      const now = this.#index.blob(this.#hash);
      if (now === undefined) throw blobGone(this.#rid);
      if (now.entry === row.entry || !isPosternError(error)) throw error;
      return this.#read(startByte, endByte, into);
    }
  }
}
