/** Receiving blobs in pieces: opens the way in, and makes what has arrived part of the store. */
import { hashKey, recordKey } from './keys.js';
import { PartReceiver, nothingMissing } from './blob-receiver.js';
import type { ReceiverHost } from './blob-receiver.js';
import type { Incoming } from './incoming.js';
import { encodeContent, largeBlob, smallBlob } from './log-content.js';
import type { ArrivedContent, BlobEntry } from './log-content.js';
import { PartFile } from './part-file.js';
import { payloadBytesOf } from './segment-log.js';
import type { BlobReceiver, HoldEntry, HoldRefusal } from './store.js';
import { faultOf, receiverBusy } from './store-errors.js';
import type { StoreParts } from './store-parts.js';

export class Reception implements ReceiverHost {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  async receive({ record, from, heldAtMs }: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): Promise<BlobReceiver | HoldRefusal> {
    const { index, incoming, book, files } = this.#parts;
    const key = recordKey(record.rid);
    const known = incoming.get(key);
    if (known?.open === true) throw receiverBusy(record.rid);
    if (index.row(key) !== undefined || known?.arrived !== undefined) return nothingMissing;
    const refusal = known === undefined ? book.refusal(book.charge(record, from, heldAtMs)) : undefined;
    if (refusal !== undefined) return refusal;
    const way = incoming.begin(record, from, heldAtMs);
    way.open = true;
    try {
      const stored = index.blob(hashKey(record.blobHash));
      if (stored !== undefined && stored.entry !== 0) {
        await this.#arrive(way, undefined);
        way.open = false;
        return nothingMissing;
      }
      const part = new PartFile(await files.openPart(key, way.ranges.length === 0), record.blobBytes, way.ranges, (ranges) => {
        way.ranges = ranges;
        incoming.save(way);
      });
      return new PartReceiver(this, way, part);
    } catch (error) {
      way.open = false;
      if (known === undefined) incoming.end(key);
      throw this.fault(error);
    }
  }

  async keep(way: Incoming, part: PartFile): Promise<void> {
    const { index, busy, files, limits } = this.#parts;
    const { blobHash, blobBytes, rid } = way.record;
    const key = recordKey(rid);
    const hash = hashKey(blobHash);
    for (let wait = busy.blobs.wait(hash); wait !== undefined; wait = busy.blobs.wait(hash)) await wait;
    if (index.row(key) !== undefined) return files.removePart(key);
    const stored = index.blob(hash);
    if (stored !== undefined && stored.entry !== 0) {
      await this.#arrive(way, undefined);
      return files.removePart(key);
    }
    busy.blobs.begin(hash);
    try {
      if (blobBytes < limits.largeBlobBytes) {
        await this.#arrive(way, smallBlob(blobHash, await part.readAll()));
        files.removePart(key);
      } else {
        await this.#arriveAsFile(way);
      }
    } finally {
      busy.blobs.end(hash);
    }
  }

  discard(way: Incoming): void {
    const key = recordKey(way.record.rid);
    way.open = false;
    this.#parts.incoming.end(key);
    this.#parts.files.removePart(key);
  }

  closed(way: Incoming): void {
    way.open = false;
  }

  fault(error: unknown): unknown {
    return faultOf(this.#parts.dir, error);
  }

  async #arriveAsFile(way: Incoming): Promise<void> {
    const { files } = this.#parts;
    const { blobHash, blobBytes, rid } = way.record;
    const suffix = await files.complete(recordKey(rid), blobHash);
    try {
      await this.#arrive(way, largeBlob(blobHash, blobBytes, suffix));
    } catch (error) {
      await files.reopen(recordKey(rid), blobHash, suffix);
      throw error;
    }
  }

  /** Makes durable that the blob is here and whose it is. */
  async #arrive(way: Incoming, blob: BlobEntry | undefined): Promise<void> {
    const { log, ledger, index, incoming, busy } = this.#parts;
    const content: ArrivedContent = { kind: 'arrived', record: way.record, from: way.from, heldAtMs: way.heldAtMs };
    const item = encodeContent(content);
    const hash = hashKey(way.record.blobHash);
    busy.shared.begin(hash);
    try {
      await log.appendOne(blob === undefined ? [item] : [blob.item, item], (positions) => {
        if (blob !== undefined) ledger.applyBlob(blob.content, positions[0]!, undefined);
        incoming.arrive(way, positions.at(-1)!, payloadBytesOf(item));
        index.applied(positions.at(-1)!);
      });
    } finally {
      busy.shared.end(hash);
    }
  }
}
