/**
 * Reads the CBOR of bundle blocks. Written by hand because a block's exact bytes are needed for its CRC, and because
 * every deviation from the shortest form has to be refused. Nothing here recurses or allocates by what the input says.
 */
import type { PosternError } from '../base/errors.js';
import { BREAK, INDEFINITE, INDEFINITE_ARRAY, joinUint32s, LEAST_ARGUMENT, MAJOR_ARRAY, MAJOR_BYTES, MAJOR_TEXT, MAJOR_UINT, MAX_SHORT_ARGUMENT, TWO_POW_32 } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';
import { notDeterministic, trailing, truncated, wrongType, wrongValue } from './faults.js';

const MAJOR_MASK = 0xe0;
const ADDITIONAL_MASK = 0x1f;
const ADDITIONAL_INDEFINITE = 31;
const MAX_ADDITIONAL = 27;
const FALSE = 0xf4;
const TRUE = 0xf5;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;
const MAJOR_NAMES = ['an unsigned integer', 'a negative integer', 'a byte string', 'text', 'an array', 'a map', 'a tag', 'a simple value'];
const EXPECTED_NAMES = MAJOR_NAMES.map(name => (name === 'text' || name === 'a byte string' ? `${name} of definite length` : name));

/** Reads one item after another from a stretch of bytes. */
export class BlockReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  uint(path: string): Uint64 {
    const first = this.#peek();
    // Most integers of a bundle are small.
    if (first === undefined || first > MAX_SHORT_ARGUMENT) return this.#head(MAJOR_UINT, path);
    this.offset += 1;
    return first;
  }

  /** Passes over a byte string of definite length and tells how long its content is, which ends at `offset`. */
  skipByteString(path: string): number {
    return this.#content(MAJOR_BYTES, path);
  }

  /** The number that a byte string of exactly `width` bytes holds, most significant byte first. */
  bigEndianByteString(width: number, path: string): number {
    const start = this.offset;
    const length = this.#content(MAJOR_BYTES, path);
    if (length !== width) throw wrongValue(path, start, `a byte string of ${length}`, `a byte string of ${width}`);
    return this.#bigEndian(this.offset - width, width);
  }

  /** Text of 1 to `maxBytes` visible characters of US-ASCII, of definite length. */
  visibleText(maxBytes: number, path: string): string {
    const start = this.offset;
    const length = this.#content(MAJOR_TEXT, path);
    if (length === 0 || length > maxBytes) throw wrongValue(path, start, `text of ${length} bytes`, `1 to ${maxBytes} bytes`);
    const { bytes } = this;
    const at = this.offset - length;
    const codes = new Array<number>(length);
    for (let i = 0; i < length; i += 1) {
      const code = bytes[at + i]!;
      if (code < FIRST_VISIBLE || code > LAST_VISIBLE) throw wrongValue(path, start, `the byte ${code} in text`, 'visible US-ASCII');
      codes[i] = code;
    }
    // The quickest way to a short string; the engine bounds the arguments of a call far above `maxBytes`.
    return String.fromCharCode.apply(null, codes);
  }

  boolean(path: string): boolean {
    const byte = this.#peek();
    if (byte !== TRUE && byte !== FALSE) throw this.#unexpected(path, 'true or false');
    this.offset += 1;
    return byte === TRUE;
  }

  /** Number of items of an array, or INDEFINITE. */
  array(path: string): number {
    if (this.#peek() === INDEFINITE_ARRAY) {
      this.offset += 1;
      return INDEFINITE;
    }
    // A count that no input can hold needs no exact value.
    return Number(this.#head(MAJOR_ARRAY, path));
  }

  /** Opens an array that must have exactly `count` items; what it returns goes to `endArray`. */
  arrayOf(count: number, path: string): number {
    const start = this.offset;
    const found = this.array(path);
    if (found !== count && found !== INDEFINITE) {
      throw wrongValue(path, start, `an array of ${found}`, `an array of ${count}`);
    }
    return found;
  }

  /** Closes an array that `array` or `arrayOf` opened: the break of an indefinite one has to stand here. */
  endArray(count: number, path: string): void {
    if (count === INDEFINITE && !this.atBreak()) throw this.#unexpected(path, 'the end of the array');
  }

  atUint(): boolean {
    const first = this.#peek();
    return first !== undefined && (first & MAJOR_MASK) === MAJOR_UINT;
  }

  /** Takes a break if one stands here. */
  atBreak(): boolean {
    if (this.#peek() !== BREAK) return false;
    this.offset += 1;
    return true;
  }

  /** These bytes of the input, as a view and never as a Buffer. */
  view(start: number, end: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, end - start);
  }

  /** Refuses anything after the last item. */
  finish(path: string): void {
    if (this.offset !== this.end) throw trailing(path, this.offset);
  }

  #peek(): number | undefined {
    return this.offset < this.end ? this.bytes[this.offset] : undefined;
  }

  /** Passes over a string and gives the length of its content. */
  #content(major: number, path: string): number {
    const length = this.#head(major, path);
    if (typeof length === 'bigint' || length > this.end - this.offset) throw truncated(path, this.end);
    this.offset += length;
    return length;
  }

  /** The argument of a head of this major type (RFC 8949 §3), in its shortest form only (§4.2.1). */
  #head(major: number, path: string): Uint64 {
    const first = this.#peek();
    const additional = first === undefined ? 0 : first & ADDITIONAL_MASK;
    if (first === undefined || (first & MAJOR_MASK) !== major || additional > MAX_ADDITIONAL) throw this.#unexpected(path, EXPECTED_NAMES[major >>> 5]!);
    if (additional <= MAX_SHORT_ARGUMENT) {
      this.offset += 1;
      return additional;
    }
    const width = 1 << (additional - 24);
    if (width > this.end - this.offset - 1) throw truncated(path, this.end);
    const value = width < 8 ? this.#bigEndian(this.offset + 1, width) : this.#uint64(this.offset + 1);
    if (value < LEAST_ARGUMENT[additional - 24]!) throw notDeterministic(path, this.offset, 'a head longer than it need be');
    this.offset += 1 + width;
    return value;
  }

  #bigEndian(at: number, width: number): number {
    let value = 0;
    for (let i = at; i < at + width; i += 1) value = value * 0x100 + this.bytes[i]!;
    return value;
  }

  #uint64(at: number): Uint64 {
    const high = this.#bigEndian(at, 4);
    const low = this.#bigEndian(at + 4, 4);
    const value = high * TWO_POW_32 + low;
    return Number.isSafeInteger(value) ? value : joinUint32s(BigInt(high), BigInt(low));
  }

  /** The fault of whatever stands here, or of nothing standing here. */
  #unexpected(path: string, expected: string): PosternError {
    const first = this.#peek();
    return first === undefined ? truncated(path, this.offset) : wrongType(path, this.offset, nameOf(first), expected);
  }
}

function nameOf(first: number): string {
  if (first === BREAK) return 'the end of an array';
  const additional = first & ADDITIONAL_MASK;
  if (additional > MAX_ADDITIONAL && additional < ADDITIONAL_INDEFINITE) return `the reserved head 0x${first.toString(16)}`;
  return `${MAJOR_NAMES[first >>> 5]!}${additional === ADDITIONAL_INDEFINITE ? ' of indefinite length' : ''}`;
}
