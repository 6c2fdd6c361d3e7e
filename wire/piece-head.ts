/** The head of a piece as it arrives: `[index, offset, bytes]` up to where the bytes begin (spec/batch.md). */
import { readHead } from './cbor-head.js';
import { wrongType, wrongValue } from './faults.js';

export interface PieceHead {
  /** Number of the record in the batch. */
  readonly index: number;
  /** Where in its blob the bytes stand. */
  readonly offset: number;
  /** How many bytes follow. */
  readonly length: number;
}

/** Array, index, offset and byte string, each with the longest head there is. */
const MOST_BYTES = 1 + 9 + 9 + 9;
const UINT = 0;
const BYTES = 2;
const ARRAY = 4;

export class PieceHeadReader {
  readonly #buffer = new Uint8Array(MOST_BYTES);
  #held = 0;
  #head: PieceHead | undefined;

  /** Bytes held of a head that is not complete. */
  get held(): number {
    return this.#held;
  }

  /** What `take` completed. */
  get head(): PieceHead | undefined {
    return this.#head;
  }

  /** Takes what belongs to the head from `chunk`, from `at` on. Returns how many bytes that was. @param offset of the piece in the batch. */
  take(chunk: Uint8Array, at: number, offset: number): number {
    // Bytes behind the head may be copied along; they are not counted as taken.
    const portion = chunk.subarray(at, at + MOST_BYTES - this.#held);
    this.#buffer.set(portion, this.#held);
    const headBytes = this.#parse(this.#held + portion.length, offset);
    const taken = headBytes === undefined ? portion.length : headBytes - this.#held;
    this.#held = headBytes === undefined ? this.#held + taken : 0;
    return taken;
  }

  #parse(end: number, offset: number): number | undefined {
    this.#head = undefined;
    let at = 0;
    const next = (major: number, name: string, expected: string): number | undefined => {
      const where = (): { path: string; offset: number } => ({ path: `batch/piece${name}`, offset: offset + at });
      const head = readHead(this.#buffer, at, end, { where });
      if (head === undefined) return undefined;
      if (head.major !== major) throw wrongType(where().path, where().offset, `major type ${head.major}`, expected);
      at += head.bytes;
      return head.argument;
    };
    const count = next(ARRAY, '', 'an array');
    if (count === undefined) return undefined;
    if (count !== 3) throw wrongValue('batch/piece', offset, `${count} values`, '3 values');
    const index = next(UINT, '/index', 'an unsigned integer');
    if (index === undefined) return undefined;
    const blobOffset = next(UINT, '/offset', 'an unsigned integer');
    if (blobOffset === undefined) return undefined;
    const length = next(BYTES, '/bytes', 'a byte string');
    if (length === undefined) return undefined;
    this.#head = { index, offset: blobOffset, length };
    return at;
  }
}
