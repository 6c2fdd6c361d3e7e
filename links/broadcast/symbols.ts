/** Symbols: the equal pieces an object is cut into, kept one after the other in memory whose words can be added (XOR) at speed. */
import { strict as assert } from 'node:assert';

/** Symbols are whole words. */
export const WORD_BYTES = 4;

export class Symbols {
  readonly count: number;
  readonly symbolBytes: number;
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;

  /** All zero at first. */
  constructor(count: number, symbolBytes: number, memory = new ArrayBuffer(count * symbolBytes), startByte = 0) {
    assert(symbolBytes > 0 && symbolBytes % WORD_BYTES === 0 && startByte % WORD_BYTES === 0, 'symbols are whole words');
    this.count = count;
    this.symbolBytes = symbolBytes;
    this.bytes = new Uint8Array(memory, startByte, count * symbolBytes);
    this.#words = new Int32Array(memory, startByte, (count * symbolBytes) / WORD_BYTES);
  }

  at(index: number): Uint8Array {
    return this.bytes.subarray(index * this.symbolBytes, (index + 1) * this.symbolBytes);
  }

  set(index: number, symbol: Uint8Array): void {
    this.bytes.set(symbol, index * this.symbolBytes);
  }

  /** symbol[index] ^= other[otherIndex] */
  add(index: number, other: Symbols, otherIndex: number): void {
    const words = this.symbolBytes / WORD_BYTES;
    const to = this.#words;
    const from = other.#words;
    const toStart = index * words;
    const fromStart = otherIndex * words;
    for (let word = 0; word < words; word++) to[toStart + word]! ^= from[fromStart + word]!;
  }
}
