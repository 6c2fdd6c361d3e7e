/**
 * Gathers one CBOR item from chunks of any size. Every byte is copied once (and again as the buffer doubles)
 * and every value is walked over once, however small the chunks are; nothing beyond the item is held.
 */
import { CborWalker } from './cbor-walker.js';
import type { CborLimits } from './cbor-walker.js';

const FIRST_BUFFER_BYTES = 512;

export class CborGatherer {
  readonly #walker = new CborWalker();
  #buffer = new Uint8Array(0);
  #held = 0;
  #item: Uint8Array | undefined;

  /** @param offset of the item's first byte in what `path` names. */
  begin(path: string, offset: number, limits?: Partial<CborLimits>): void {
    this.#walker.begin(path, offset, limits);
    this.#held = 0;
    this.#item = undefined;
  }

  /** Bytes held of an item that is not complete. */
  get held(): number {
    return this.#held;
  }

  /** The item, once it is complete: a copy that keeps no chunk alive. */
  get item(): Uint8Array | undefined {
    return this.#item;
  }

  /** Takes what belongs to the item from `chunk`, from `at` on. Returns how many bytes that was. */
  take(chunk: Uint8Array, at: number): number {
    if (this.#held > 0) return this.#takeMore(chunk, at);
    if (this.#walker.walk(chunk, at, chunk.length)) {
      this.#item = copyOf(chunk, at, at + this.#walker.length);
      return this.#walker.length;
    }
    this.#hold(chunk.subarray(at));
    return chunk.length - at;
  }

  #takeMore(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const portion = chunk.subarray(at, at + this.#walker.needs);
      this.#hold(portion);
      at += portion.length;
      if (!this.#walker.walk(this.#buffer, 0, this.#held)) continue;
      this.#item = copyOf(this.#buffer, 0, this.#held);
      this.#held = 0;
      break;
    }
    return at - from;
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#held + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, FIRST_BUFFER_BYTES));
      larger.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#held);
    this.#held = needed;
  }
}

/** Not by slice, which makes a Buffer of a Buffer. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
