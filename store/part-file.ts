/**
 * The file of a blob on its way in: pieces of any order are gathered into writes of 1 MiB, hashed on the way while they come
 * in order, and synced every 16 MiB, so that the last sync is short and little is received twice.
 */
import { sha256Stream } from '../wire/node-crypto.js';
import type { DiskFile } from './disk.js';
import { RangeSet } from './range-set.js';
import type { Range } from './store.js';

/** Measured: one write of 1 MiB costs a third of sixteen of 64 KiB. */
const GATHER_BYTES = 1 << 20;
const SYNC_EVERY_BYTES = 16 << 20;
const READ_BACK_BYTES = 1 << 20;

export class PartFile {
  readonly #file: DiskFile;
  readonly #blobBytes: number;
  readonly #onSynced: (ranges: readonly Range[]) => void;
  #received: RangeSet;
  readonly #written: RangeSet;
  #hash = sha256Stream();
  #hashedBytes = 0;
  /** One buffer fills while the other is written. */
  #filling: Buffer;
  #resting: Buffer;
  #fillStart = 0;
  #filled = 0;
  #writing: Promise<void> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();
  #bytesSinceSync = 0;

  /** @param onSynced told which bytes are on stable storage, whenever these have grown. */
  constructor(file: DiskFile, blobBytes: number, there: readonly Range[], onSynced: (ranges: readonly Range[]) => void) {
    this.#file = file;
    this.#blobBytes = blobBytes;
    this.#onSynced = onSynced;
    this.#received = new RangeSet(there);
    this.#written = new RangeSet(there);
    const gatherBytes = Math.min(GATHER_BYTES, blobBytes);
    this.#filling = Buffer.allocUnsafeSlow(gatherBytes);
    this.#resting = Buffer.allocUnsafeSlow(gatherBytes);
  }

  missing(): Range[] {
    return this.#received.missing(0, this.#blobBytes);
  }

  /** Takes what is new of a piece. Bytes that came before stay as they are: the hash has seen them. */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      for (const { startByte, endByte } of this.#received.missing(offset, offset + bytes.length)) {
        await this.#take(startByte, bytes.subarray(startByte - offset, endByte - offset));
      }
    });
  }

  /** Puts everything that came on stable storage. */
  sync(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeOut();
      await this.#writing;
      await this.#syncNow();
    });
  }

  /** The hash of all bytes, once they are there and synced. */
  async digest(): Promise<Uint8Array> {
    for (let at = this.#hashedBytes; at < this.#blobBytes; at += READ_BACK_BYTES) {
      this.#hash.update(await this.#file.read(at, Math.min(READ_BACK_BYTES, this.#blobBytes - at)));
    }
    return this.#hash.digest();
  }

  /** The whole blob in memory, for a small one. */
  readAll(): Promise<Uint8Array> {
    return this.#file.read(0, this.#blobBytes);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #take(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset === this.#hashedBytes) {
      this.#hash.update(bytes);
      this.#hashedBytes += bytes.length;
    }
    this.#received.add(offset, offset + bytes.length);
    let done = 0;
    while (done < bytes.length) {
      const at = offset + done;
      if (this.#filled === this.#filling.length || (this.#filled > 0 && at !== this.#fillStart + this.#filled)) await this.#writeOut();
      if (this.#filled === 0) this.#fillStart = at;
      const count = Math.min(bytes.length - done, this.#filling.length - this.#filled);
      this.#filling.set(bytes.subarray(done, done + count), this.#filled);
      this.#filled += count;
      done += count;
    }
  }

  /** One at a time; after a fault, what did not get to the file has not been received. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(async () => {
      try {
        await work();
      } catch (error) {
        this.#received = new RangeSet(this.#written.ranges);
        this.#hash = sha256Stream();
        this.#hashedBytes = 0;
        this.#filled = 0;
        this.#writing = Promise.resolve();
        throw error;
      }
    });
    return this.#turn;
  }

  async #writeOut(): Promise<void> {
    if (this.#filled === 0) return;
    await this.#writing;
    const bytes = this.#filling.subarray(0, this.#filled);
    const startByte = this.#fillStart;
    [this.#filling, this.#resting] = [this.#resting, this.#filling];
    this.#filled = 0;
    this.#writing = this.#writeNow(startByte, bytes);
    // Whoever writes or syncs next hears of a fault; until then it is nobody's.
    this.#writing.catch(() => undefined);
  }

  async #writeNow(startByte: number, bytes: Uint8Array): Promise<void> {
    await this.#file.write(startByte, bytes);
    this.#written.add(startByte, startByte + bytes.length);
    this.#bytesSinceSync += bytes.length;
    if (this.#bytesSinceSync >= SYNC_EVERY_BYTES) await this.#syncNow();
  }

  async #syncNow(): Promise<void> {
    const ranges = this.#written.ranges;
    await this.#file.sync();
    this.#bytesSinceSync = 0;
    this.#onSynced(ranges);
  }
}
