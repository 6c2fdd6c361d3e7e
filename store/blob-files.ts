/**
 * Blobs that are files of their own: large ones, and all that arrive in pieces until they are complete. A complete file is
 * named for the hash of its bytes and a suffix of its own, so that a blob that comes again is never the file that is just
 * being removed; a part is named for its record. The index says which files count, and the rest is swept away.
 */
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { equalBytes, toHex } from '../base/bytes.js';
import type { Random } from '../base/random.js';
import { sha256Stream } from '../wire/node-crypto.js';
import { isMissing } from './disk.js';
import type { Disk, DiskFile } from './disk.js';
import type { BlobSource } from './store.js';
import { blobGone, damaged } from './store-errors.js';

const SUFFIX_BYTES = 4;
const PART = '.part';
const COMPLETE = /^([0-9a-f]{64})-([0-9a-f]{8})$/;
/** Large enough that a call costs little beside its bytes, small enough for a hundred readers at once. */
const READ_BYTES = 512 * 1024;

export class BlobFiles {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #random: Random;
  #removing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, dir: string, random: Random) {
    this.#disk = disk;
    this.#dir = dir;
    this.#random = random;
  }

  async open(): Promise<void> {
    await this.#disk.makeDir(this.#dir);
  }

  /** @param isNew its name is made durable, too: what is synced in a file without a name is gone after a cut of power */
  async openPart(record: string, isNew = false): Promise<DiskFile> {
    const file = await this.#disk.open(this.#partPath(record), 'write');
    if (!isNew) return file;
    try {
      await this.#disk.syncDir(this.#dir);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  removePart(record: string): void {
    this.#remove(this.#partPath(record));
  }

  /** Writes a whole blob, durably. Returns its suffix. */
  async write(record: string, hash: Uint8Array, blob: Uint8Array): Promise<string> {
    const file = await this.openPart(record);
    try {
      await file.write(0, blob);
      await file.sync();
    } catch (error) {
      this.removePart(record);
      throw error;
    } finally {
      await file.close();
    }
    return this.complete(record, hash);
  }

  /** Makes a part whose bytes are synced a complete file, durably. Returns its suffix. */
  async complete(record: string, hash: Uint8Array): Promise<string> {
    const suffix = toHex(this.#random.bytes(SUFFIX_BYTES));
    await this.#disk.rename(this.#partPath(record), this.#path(hash, suffix));
    await this.#disk.syncDir(this.#dir);
    return suffix;
  }

  /** The way back from `complete`. */
  async reopen(record: string, hash: Uint8Array, suffix: string): Promise<void> {
    await this.#disk.rename(this.#path(hash, suffix), this.#partPath(record));
  }

  remove(hash: Uint8Array, suffix: string): void {
    this.#remove(this.#path(hash, suffix));
  }

  source(hash: Uint8Array, suffix: string, blobBytes: number, rid: Uint8Array): BlobSource {
    const path = this.#path(hash, suffix);
    const open = async (): Promise<DiskFile> => {
      try {
        return await this.#disk.open(path, 'read');
      } catch (error) {
        throw isMissing(error) ? blobGone(rid) : error;
      }
    };
    return {
      bytes: blobBytes,
      stream(startByte, endByte = blobBytes) {
        const bytes = pieces(open, startByte ?? 0, Math.min(endByte, blobBytes));
        return Readable.from(startByte === undefined ? verified(bytes, hash) : bytes, { objectMode: false, highWaterMark: READ_BYTES });
      },
      async read(startByte, endByte, into) {
        const file = await open();
        try {
          return await readExactly(file, startByte, Math.min(endByte, blobBytes) - startByte, into);
        } finally {
          await file.close();
        }
      },
    };
  }

  /** Removes every file that is neither a part of one of `parts` nor a complete one that `counts`. */
  async sweep(parts: ReadonlySet<string>, counts: (hash: Uint8Array, suffix: string) => boolean): Promise<void> {
    for (const name of await this.#disk.list(this.#dir)) {
      const complete = COMPLETE.exec(name);
      const wanted =
        complete === null ? name.endsWith(PART) && parts.has(Buffer.from(name.slice(0, -PART.length), 'hex').toString('latin1')) : counts(Buffer.from(complete[1]!, 'hex'), complete[2]!);
      if (!wanted) await this.#disk.unlink(join(this.#dir, name));
    }
  }

  /** Waits for removals under way. */
  settle(): Promise<void> {
    return this.#removing;
  }

  /** In the background: what cannot be removed now is swept away when the store is opened next. */
  #remove(path: string): void {
    this.#removing = this.#removing.then(() => this.#disk.unlink(path)).catch(() => undefined);
  }

  #partPath(record: string): string {
    return join(this.#dir, Buffer.from(record, 'latin1').toString('hex') + PART);
  }

  #path(hash: Uint8Array, suffix: string): string {
    return join(this.#dir, `${toHex(hash)}-${suffix}`);
  }
}

async function* pieces(open: () => Promise<DiskFile>, startByte: number, endByte: number): AsyncGenerator<Uint8Array> {
  const file = await open();
  try {
    for (let at = startByte; at < endByte; at += READ_BYTES) yield await readExactly(file, at, Math.min(READ_BYTES, endByte - at));
  } finally {
    await file.close();
  }
}

async function readExactly(file: DiskFile, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
  const bytes = await file.read(offset, length, into);
  if (bytes.length < length) throw damaged('the file of a blob');
  return bytes;
}

/** A whole blob is checked as it passes: of one that has changed, the last piece is held back. */
async function* verified(bytes: AsyncIterable<Uint8Array>, hash: Uint8Array): AsyncGenerator<Uint8Array> {
  const sum = sha256Stream();
  let last: Uint8Array | undefined;
  for await (const piece of bytes) {
    if (last !== undefined) yield last;
    sum.update(piece);
    last = piece;
  }
  if (!equalBytes(sum.digest(), hash)) throw damaged('the file of a blob');
  if (last !== undefined) yield last;
}
