/** One blob on its way in, as the gateway sees it: checks what is written, and makes the complete blob part of the store. */
import { equalBytes } from '../base/bytes.js';
import type { Incoming } from './incoming.js';
import type { PartFile } from './part-file.js';
import type { BlobReceiver, Range } from './store.js';
import { outOfRange } from './store-errors.js';

/** What the store does with the part once it is whole, or not worth keeping. */
export interface ReceiverHost {
  /** Makes a blob whose hash is right durable and findable. */
  keep(incoming: Incoming, part: PartFile): Promise<void>;
  discard(incoming: Incoming): void;
  closed(incoming: Incoming): void;
  /** What the disk reported, as the fault that the caller gets. */
  fault(error: unknown): unknown;
}

export class PartReceiver implements BlobReceiver {
  readonly #host: ReceiverHost;
  readonly #incoming: Incoming;
  readonly #part: PartFile;
  #state: 'open' | 'kept' | 'discarded' | 'closed' = 'open';

  constructor(host: ReceiverHost, incoming: Incoming, part: PartFile) {
    this.#host = host;
    this.#incoming = incoming;
    this.#part = part;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const { blobBytes } = this.#incoming.record;
    const endByte = offset + bytes.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || endByte > blobBytes) throw outOfRange(offset, endByte, blobBytes);
    if (this.#state !== 'open') return;
    await this.#guarded(() => this.#part.write(offset, bytes));
  }

  missing(): Range[] {
    return this.#state === 'kept' ? [] : this.#part.missing();
  }

  async finish(): Promise<'complete' | 'incomplete' | 'mismatch'> {
    if (this.#state === 'kept') return 'complete';
    if (this.#state !== 'open' || this.#part.missing().length > 0) return this.#state === 'discarded' ? 'mismatch' : 'incomplete';
    return this.#guarded(async () => {
      await this.#part.sync();
      if (!equalBytes(await this.#part.digest(), this.#incoming.record.blobHash)) {
        this.#state = 'discarded';
        await this.#part.close();
        this.#host.discard(this.#incoming);
        return 'mismatch';
      }
      await this.#host.keep(this.#incoming, this.#part);
      this.#state = 'kept';
      await this.#part.close();
      this.#host.closed(this.#incoming);
      return 'complete';
    });
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    try {
      await this.#guarded(() => this.#part.sync());
    } finally {
      await this.#part.close();
      this.#host.closed(this.#incoming);
    }
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw this.#host.fault(error);
    }
  }
}

/** For a blob that the store has already. */
export const nothingMissing: BlobReceiver = {
  write: async () => undefined,
  missing: () => [],
  finish: async () => 'complete',
  close: async () => undefined,
};
