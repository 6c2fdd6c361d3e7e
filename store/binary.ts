/**
 * The layout of what the store keeps for itself: big-endian integers of a stated width, and byte
 * strings and texts behind a two- or four-byte length. Every reader checks that it ends exactly.
 */
import { asBuffer } from '../base/bytes.js';
import { CRC_OF_NOTHING, crc32c } from '../wire/crc.js';
import { damaged } from './store-errors.js';

/** A call out of JavaScript costs more than copying these. */
const FEW_BYTES = 256;

export class ByteWriter {
  #bytes: Buffer;
  #length = 0;
  /** By length, of a writer that is used again and again: making one costs more than filling it. */
  #views: Map<number, Uint8Array> | undefined;

  constructor(expectedBytes = 256) {
    this.#bytes = Buffer.allocUnsafe(expectedBytes);
  }

  /** An unsigned integer of 1 to 7 bytes. */
  uint(value: number, width: number): this {
    this.#room(width);
    const end = this.#length + width;
    // Bit operations are for 32 bits; what is above them is written from a second number.
    let low = value >>> 0;
    let high = value > 0xffff_ffff ? Math.floor(value / 2 ** 32) : 0;
    for (let at = end - 1, i = 0; at >= this.#length; at -= 1, i += 1) {
      if (i === 4) [low, high] = [high, 0];
      this.#bytes[at] = low & 0xff;
      low >>>= 8;
    }
    this.#length = end;
    return this;
  }

  /** Bytes of a length that the reader knows. */
  fixed(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Bytes that are given as the characters 0 to 255. */
  latin1(value: string): this {
    this.#room(value.length);
    for (let i = 0; i < value.length; i += 1) this.#bytes[this.#length + i] = value.charCodeAt(i);
    this.#length += value.length;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.uint(value.length, 4).fixed(value);
  }

  text(value: string): this {
    const most = value.length * 3;
    this.#room(2 + most);
    const written = this.#writeAscii(value) ? value.length : this.#bytes.write(value, this.#length + 2, most, 'utf8');
    this.uint(written, 2);
    this.#length += written;
    return this;
  }

  /** Names are short and plain nearly always, and a call out of JavaScript costs more than they do. */
  #writeAscii(value: string): boolean {
    for (let i = 0, at = this.#length + 2; i < value.length; i += 1, at += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#bytes[at] = code;
    }
    return true;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies what was written. */
  copyTo(target: Uint8Array, offset: number): void {
    const bytes = this.#bytes;
    if (this.#length > FEW_BYTES) return target.set(bytes.subarray(0, this.#length), offset);
    for (let i = 0; i < this.#length; i += 1) target[offset + i] = bytes[i]!;
  }

  /** Bytes of a longer array that are few, so that a view of them would cost more than they do. */
  part(bytes: Uint8Array, start: number, end: number): this {
    this.#room(end - start);
    for (let i = start; i < end; i += 1) this.#bytes[this.#length++] = bytes[i]!;
    return this;
  }

  /** Of what was written. */
  crc(): number {
    return crc32c(this.#bytes, CRC_OF_NOTHING, 0, this.#length);
  }

  /** What was written. It lasts until `restart`. */
  finish(): Uint8Array {
    let view = this.#views?.get(this.#length);
    if (view === undefined) {
      view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#length);
      this.#views?.set(this.#length, view);
    }
    return view;
  }

  /** What was written, for good. */
  copy(): Uint8Array {
    const copy = new Uint8Array(this.#length);
    this.copyTo(copy, 0);
    return copy;
  }

  /** Begins anew in the same memory. */
  restart(): this {
    this.#views ??= new Map();
    this.#length = 0;
    return this;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#views?.clear();
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what names the thing read, for the error. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  uint(width: number): number {
    const end = this.#take(width);
    let value = 0;
    for (let at = end - width; at < end; at += 1) value = value * 256 + this.#bytes[at]!;
    return value;
  }

  /** A view on the bytes read. */
  fixed(length: number): Uint8Array {
    const end = this.#take(length);
    return this.#bytes.subarray(end - length, end);
  }

  bytes(): Uint8Array {
    return this.fixed(this.uint(4));
  }

  text(): string {
    return asBuffer(this.fixed(this.uint(2))).toString('utf8');
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.fixed(this.#bytes.length - this.#at);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  end(): void {
    if (!this.done) throw damaged(this.#what);
  }

  #take(length: number): number {
    if (this.#at + length > this.#bytes.length) throw damaged(this.#what);
    this.#at += length;
    return this.#at;
  }
}
