/**
 * The little CBOR that bundle blocks are made of (RFC 9171 §4.1): unsigned integers, byte strings, text,
 * booleans and arrays. Written by hand because a block's exact bytes are needed for its CRC, and because
 * every deviation from the shortest form has to be refused. Nothing here recurses or allocates by what the
 * input says.
 */
import type { PosternError } from '../base/errors.js';
import { notDeterministic, trailing, truncated, wrongType, wrongValue } from './faults.js';

/** An unsigned integer of up to 64 bits: a number where a number is exact, a bigint above 2^53 - 1. */
export type Uint64 = number | bigint;

/** Number of items of an array whose head does not tell it, and which a break ends (RFC 8949 §3.2.2). */
export const INDEFINITE = -1;

const MAJOR_UINT = 0x00;
const MAJOR_BYTES = 0x40;
const MAJOR_TEXT = 0x60;
const MAJOR_ARRAY = 0x80;
const MAJOR_MASK = 0xe0;
const ADDITIONAL_MASK = 0x1f;
const ADDITIONAL_INDEFINITE = 31;
const FALSE = 0xf4;
const TRUE = 0xf5;
const BREAK = 0xff;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;
const TWO_POW_32 = 0x1_0000_0000;
/** The least argument that needs a head of 1, 2, 4 or 8 more bytes. */
const LEAST_ARGUMENT = [24, 0x100, 0x1_0000, TWO_POW_32];
const MAX_SHORT_ARGUMENT = 23;
const MAX_HEAD_BYTES = 9;
const MAJOR_NAMES = ['an unsigned integer', 'a negative integer', 'a byte string', 'text', 'an array', 'a map', 'a tag', 'a simple value'];
const EXPECTED_NAMES = MAJOR_NAMES.map(name => (name === 'text' || name === 'a byte string' ? `${name} of definite length` : name));

/** Reads one item after another from a stretch of bytes. */
export class BundleReader {
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
    const codes = new Array<number>(length);
    for (let i = 0; i < length; i += 1) {
      const code = this.bytes[this.offset - length + i]!;
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
    if (this.#peek() === (MAJOR_ARRAY | ADDITIONAL_INDEFINITE)) {
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
    if (length > this.end - this.offset) throw truncated(path, this.end);
    this.offset += Number(length);
    return Number(length);
  }

  /** The argument of a head of this major type (RFC 8949 §3), in its shortest form only (§4.2.1). */
  #head(major: number, path: string): Uint64 {
    const first = this.#peek();
    const additional = first === undefined ? 0 : first & ADDITIONAL_MASK;
    if (first === undefined || (first & MAJOR_MASK) !== major || additional > 27) throw this.#unexpected(path, EXPECTED_NAMES[major >>> 5]!);
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

/** Writes items one after another into a buffer that grows. */
export class BundleWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacityBytes: number) {
    // From Node's pool when it is small, and never filled with zeros: every byte is written before it is shown.
    this.#bytes = Buffer.allocUnsafe(capacityBytes);
  }

  /** Where the next item goes. */
  get length(): number {
    return this.#length;
  }

  /** The buffer, of which `length` bytes are written; another one after every write that makes it grow. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  uint(value: Uint64): void {
    this.#head(MAJOR_UINT, value);
  }

  /** The head of an array of `count` items. */
  array(count: number): void {
    this.#head(MAJOR_ARRAY, count);
  }

  indefiniteArray(): void {
    this.#byte(MAJOR_ARRAY | ADDITIONAL_INDEFINITE);
  }

  break(): void {
    this.#byte(BREAK);
  }

  byteString(content: Uint8Array): void {
    this.byteStringHead(content.length);
    this.raw(content);
  }

  /** The head of a byte string whose content follows. */
  byteStringHead(length: number): void {
    this.#head(MAJOR_BYTES, length);
  }

  /** Bytes that are no item by themselves. */
  raw(content: Uint8Array): void {
    this.#room(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  /** Begins a byte string that holds the items written until `endByteString` is called with what this returns. */
  beginByteString(): number {
    this.#byte(MAJOR_BYTES);
    return this.#length;
  }

  endByteString(start: number): void {
    const length = this.#length - start;
    // With this room the head makes nothing grow, which would leave behind the content that stands after it.
    this.#room(MAX_HEAD_BYTES);
    // One byte was kept free. Where the head needs more, the content moves on.
    if (length > MAX_SHORT_ARGUMENT) this.#bytes.copyWithin(start - 1 + headBytes(length), start, this.#length);
    this.#length = start - 1;
    this.byteStringHead(length);
    this.#length += length;
  }

  /** A byte string of `width` bytes that holds `value`, most significant byte first. */
  bigEndianByteString(value: number, width: number): void {
    this.byteStringHead(width);
    this.#room(width);
    this.#bigEndian(value, width);
  }

  /** Text in US-ASCII: all that endpoint ids hold (RFC 9171 §4.2.5.1.1). */
  asciiText(text: string): void {
    this.#head(MAJOR_TEXT, text.length);
    this.#room(text.length);
    for (let i = 0; i < text.length; i += 1) this.#bytes[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
  }

  /** All that has been written; a view that holds until the next write. */
  written(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#length);
  }

  #head(major: number, value: Uint64): void {
    this.#room(MAX_HEAD_BYTES);
    if (value <= MAX_SHORT_ARGUMENT) {
      this.#bytes[this.#length] = major | Number(value);
      this.#length += 1;
    } else if (value < 0x100) {
      this.#wideHead(major | 24, Number(value), 1);
    } else if (value < 0x1_0000) {
      this.#wideHead(major | 25, Number(value), 2);
    } else if (value < TWO_POW_32) {
      this.#wideHead(major | 26, Number(value), 4);
    } else {
      const high = typeof value === 'number' ? Math.floor(value / TWO_POW_32) : Number(value >> 32n);
      const low = typeof value === 'number' ? value % TWO_POW_32 : Number(value & 0xffff_ffffn);
      this.#wideHead(major | 27, high, 4);
      this.#bigEndian(low, 4);
    }
  }

  #wideHead(first: number, value: number, width: number): void {
    this.#bytes[this.#length] = first;
    this.#length += 1;
    this.#bigEndian(value, width);
  }

  #bigEndian(value: number, width: number): void {
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) {
      this.#bytes[this.#length] = value >>> shift;
      this.#length += 1;
    }
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** Doubling keeps the copying linear in what is written. */
  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.written());
    this.#bytes = larger;
  }
}

/** The integer made of two halves of 32 bits. */
export function joinUint32s(high: bigint, low: bigint): Uint64 {
  const value = (high << 32n) | low;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Flag bits 0 to 31; all that are defined (RFC 9171 §4.2.3, §4.2.4) are among them. */
export function hasFlag(flags: Uint64, flag: number): boolean {
  const low = typeof flags === 'number' ? flags : Number(BigInt.asUintN(32, flags));
  return (low & flag) !== 0;
}

function headBytes(argument: number): number {
  const width = LEAST_ARGUMENT.findLastIndex(least => argument >= least);
  return width < 0 ? 1 : 1 + (1 << width);
}

function nameOf(first: number): string {
  if (first === BREAK) return 'the end of an array';
  const additional = first & ADDITIONAL_MASK;
  if (additional > 27 && additional < ADDITIONAL_INDEFINITE) return `the reserved head 0x${first.toString(16)}`;
  return `${MAJOR_NAMES[first >>> 5]!}${additional === ADDITIONAL_INDEFINITE ? ' of indefinite length' : ''}`;
}
