/** A blob that stands in the log: read whole, checked, and handed out in the parts asked for. */
import { Readable } from 'node:stream';
import { isPosternError } from '../base/errors.js';
import type { BlobRow } from './blob-row.js';
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

  /** Where the blob was found last, and when that was. */
  #row: BlobRow;
  #lookedAt: number;

  constructor(log: SegmentLog, index: StoreIndex, hash: string, row: BlobRow, rid: Uint8Array) {
    this.bytes = row.blobBytes;
    this.#row = row;
    this.#lookedAt = index.blobChanges;
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
    if (this.#lookedAt !== this.#index.blobChanges) this.#lookAgain();
    const { entry } = this.#row;
    try {
      const payload = await this.#log.read(entry, BLOB_PAYLOAD_OFFSET + this.bytes);
      const part = payload.subarray(BLOB_PAYLOAD_OFFSET + startByte, BLOB_PAYLOAD_OFFSET + Math.min(endByte, this.bytes));
      into?.set(part);
      return part;
    } catch (error) {
      // Compaction may have moved it while it was looked for.
      this.#lookAgain();
      if (this.#row.entry === entry || !isPosternError(error)) throw error;
      return this.#read(startByte, endByte, into);
    }
  }

  #lookAgain(): void {
    this.#lookedAt = this.#index.blobChanges;
    const row = this.#index.blob(this.#hash);
    if (row === undefined) throw blobGone(this.#rid);
    this.#row = row;
  }
}
