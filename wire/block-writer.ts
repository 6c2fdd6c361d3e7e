/** Writes the CBOR of bundle blocks: always the shortest heads, definite lengths unless something else is said. */
import { BREAK, INDEFINITE_ARRAY, LEAST_ARGUMENT, MAJOR_ARRAY, MAJOR_BYTES, MAJOR_TEXT, MAJOR_UINT, MAX_SHORT_ARGUMENT, TWO_POW_32 } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';

const MAX_HEAD_BYTES = 9;

/** Writes items one after another into a buffer that grows. */
export class BlockWriter {
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
    this.#byte(INDEFINITE_ARRAY);
  }

  break(): void {
    this.#byte(BREAK);
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

function headBytes(argument: number): number {
  const width = LEAST_ARGUMENT.findLastIndex(least => argument >= least);
  return width < 0 ? 1 : 1 + (1 << width);
}
