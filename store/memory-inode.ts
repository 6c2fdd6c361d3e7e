/** The content of one file in memory, and what a power cut would leave of it. A sync costs what was written since the last one, not the whole file. */

export class MemoryInode {
  readonly #seen = new Content();
  readonly #synced = new Content();
  /** Written and not synced: half-open ranges, in the order of writing. */
  #dirty: (readonly [startByte: number, endByte: number])[] = [];

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.write(0, bytes);
    this.sync();
  }

  /** As programs see it, in place. */
  get bytes(): Uint8Array {
    return this.#seen.bytes;
  }

  /** As a power cut leaves it, in place. */
  get synced(): Uint8Array {
    return this.#synced.bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#seen.write(offset, bytes);
    this.#dirty.push([offset, offset + bytes.length]);
  }

  sync(): void {
    const { bytes } = this.#seen;
    for (const [start, end] of this.#dirty) this.#synced.write(start, bytes.subarray(start, end));
    this.#dirty = [];
  }

  /** After a change to `bytes` in place. */
  syncAll(): void {
    this.#dirty = [[0, this.bytes.length]];
    this.sync();
  }
}

/** Bytes in a room that doubles as they grow. */
class Content {
  #room = new Uint8Array(0);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#room.length) {
      const room = new Uint8Array(Math.max(end, 2 * this.#room.length));
      room.set(this.bytes);
      this.#room = room;
    }
    this.#room.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }
}
