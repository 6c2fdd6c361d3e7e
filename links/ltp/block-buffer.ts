/** Where the bytes of a block gather until it is whole. Memory is taken as bytes come, not as their offsets claim. */
export interface BlockBuffer {
  write(offset: number, bytes: Uint8Array): void;
  /** The first `bytes` bytes, in order. */
  read(bytes: number): AsyncIterable<Uint8Array>;
}

const PAGE_BYTES = 64 * 1024;

export class PagedBuffer implements BlockBuffer {
  readonly #pages = new Map<number, Uint8Array>();

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const page = this.#page(Math.floor((offset + at) / PAGE_BYTES));
      const within = (offset + at) % PAGE_BYTES;
      const part = bytes.subarray(at, at + PAGE_BYTES - within);
      page.set(part, within);
      at += part.length;
    }
  }

  async *read(bytes: number): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes; at += PAGE_BYTES) yield this.#page(at / PAGE_BYTES).subarray(0, Math.min(PAGE_BYTES, bytes - at));
  }

  #page(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (page === undefined) this.#pages.set(index, (page = new Uint8Array(PAGE_BYTES)));
    return page;
  }
}
