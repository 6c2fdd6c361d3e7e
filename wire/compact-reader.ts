/** Reads the parts of a compact batch one after the other: bytes of a known length, and integers in the shortest form of CBOR. */
import { readHead } from './cbor-head.js';
import { truncated, wrongType, wrongValue } from './faults.js';

export class CompactReader {
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #at = 0;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#path = path;
  }

  get offset(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(name: string): number {
    return this.bytes(name, 1)[0]!;
  }

  /** A view on the input. */
  bytes(name: string, length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw truncated(`${this.#path}/${name}`, this.#bytes.length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Bytes behind their length. */
  sized(name: string, mostBytes: number): Uint8Array {
    return this.bytes(name, this.uint(name, mostBytes));
  }

  uint(name: string, most = Number.MAX_SAFE_INTEGER): number {
    const start = this.#at;
    const value = this.int(name);
    if (value < 0 || value > most) throw wrongValue(`${this.#path}/${name}`, start, String(value), `0 to ${most}`);
    return value;
  }

  int(name: string): number {
    const start = this.#at;
    const path = `${this.#path}/${name}`;
    const head = readHead(this.#bytes, start, this.#bytes.length, { where: () => ({ path, offset: start }) });
    if (head === undefined) throw truncated(path, this.#bytes.length);
    if (head.major > 1) throw wrongType(path, start, `major type ${head.major}`, 'an integer');
    // -1 - argument is the value of major type 1, so its last exact argument is one less.
    if (head.argument > Number.MAX_SAFE_INTEGER - head.major) throw wrongValue(path, start, 'an integer beyond 2^53', 'a smaller one');
    this.#at += head.bytes;
    return head.major === 0 ? head.argument : -1 - head.argument;
  }
}
