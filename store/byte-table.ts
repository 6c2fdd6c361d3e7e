/**
 * A map from keys of one length to byte strings, as a hash table over a few large buffers. A store takes in tens of thousands of
 * rows before they are written, and as objects and Map entries each of them costs the garbage collector more than its encoding costs us.
 *
 *   entry: room of the value 2 | length of the value, or DELETED or MOVED, 2 | first byte of the key and the key | value
 */
import assert from 'node:assert';
import { asBuffer } from '../base/bytes.js';
import { HASH_BYTES } from '../wire/digest.js';
import { ByteWriter } from './binary.js';
import { fromBytes } from './keys.js';

export interface TableOptions {
  /** The first byte of every key in the database; see keys.ts. The keys here are without it. */
  readonly letter: string;
  readonly keyBytes: number;
  /** So much of a key says where in the table it stands, and can be asked for. */
  readonly prefixBytes: number;
  /** A hash. Nobody who chooses keys may know it, or he could have them all stand in one place. */
  readonly seed: Uint8Array;
}

/** An entry while it is looked at. */
export interface TableEntry {
  /** Holds the key, from `keyStart` on, and the value between `valueStart` and `valueEnd`. */
  bytes: Buffer;
  keyStart: number;
  valueStart: number;
  valueEnd: number;
  isDeleted: boolean;
}

const CHUNK_BITS = 14;
const CHUNK_BYTES = 1 << CHUNK_BITS;
const HEAD_BYTES = 4;
const DELETED = 0xffff;
/** The value did not fit any more: it stands elsewhere. */
const MOVED = 0xfffe;
const FIRST_SLOTS = 16;
/** So many of them are filled at most: looking for a key then takes two looks at a slot or three. */
const MOST_FILLED = 0.5;

export class ByteTable {
  readonly #letter: number;
  readonly #keyBytes: number;
  readonly #prefixBytes: number;
  readonly #factors: Uint32Array;
  /** Two numbers a slot, side by side: where the entry that stands here begins, and 1, or 0 where none does; and the hash of its key. */
  #slots = new Uint32Array(2 * FIRST_SLOTS);
  #shift = 32 - Math.log2(FIRST_SLOTS);
  #chunks: Buffer[] = [];
  /** How much of each chunk but the last one is filled. */
  #filled: number[] = [];
  /** Behind the last entry. An entry lies in one chunk. */
  #end = 0;
  #size = 0;

  constructor({ letter, keyBytes, prefixBytes, seed }: TableOptions) {
    this.#letter = letter.charCodeAt(0);
    this.#keyBytes = keyBytes;
    this.#prefixBytes = prefixBytes;
    this.#factors = factorsOf(seed);
  }

  /** Keys, those that are deleted included. */
  get size(): number {
    return this.#size;
  }

  /** What the entries take in memory, less the slots. */
  get bytes(): number {
    return this.#end;
  }

  /** The value as it is now, until the next change; null where the key was deleted, undefined where it was never set. */
  get(key: Uint8Array): Uint8Array | null | undefined {
    const place = this.#slots[2 * this.#slotOf(key, this.#hashOf(key))]!;
    if (place === 0) return undefined;
    const { bytes, valueStart, valueEnd, isDeleted } = this.#entryAt(place - 1, newEntry());
    return isDeleted ? null : new Uint8Array(bytes.buffer, bytes.byteOffset + valueStart, valueEnd - valueStart);
  }

  /** Copies what the writer holds. */
  set(key: Uint8Array, value: ByteWriter | null): void {
    assert(key.length === this.#keyBytes);
    const length = value?.length ?? 0;
    assert(HEAD_BYTES + 1 + this.#keyBytes + length <= CHUNK_BYTES);
    const hash = this.#hashOf(key);
    const slot = this.#slotOf(key, hash);
    const known = this.#slots[2 * slot]!;
    if (known !== 0 && this.#overwrite(known - 1, value)) return;
    const place = this.#room(HEAD_BYTES + 1 + this.#keyBytes + length);
    const bytes = this.#chunks[place >>> CHUNK_BITS]!;
    let at = place & (CHUNK_BYTES - 1);
    writeTwo(bytes, at, length);
    writeTwo(bytes, at + 2, value === null ? DELETED : length);
    at += HEAD_BYTES;
    bytes[at++] = this.#letter;
    for (let i = 0; i < this.#keyBytes; i += 1) bytes[at++] = key[i]!;
    value?.copyTo(bytes, at);
    this.#slots[2 * slot] = place + 1;
    this.#slots[2 * slot + 1] = hash;
    if (known !== 0) return writeTwo(this.#chunks[(known - 1) >>> CHUNK_BITS]!, ((known - 1) & (CHUNK_BYTES - 1)) + 2, MOVED);
    this.#size += 1;
    if (this.#size > (this.#slots.length / 2) * MOST_FILLED) this.#grow();
  }

  /** Lays newer entries over these. */
  takeOver(newer: ByteTable): void {
    const writer = new ByteWriter();
    for (const { bytes, keyStart, valueStart, valueEnd, isDeleted } of newer.entries()) {
      this.set(bytes.subarray(keyStart + 1, valueStart), isDeleted ? null : writer.restart().fixed(bytes.subarray(valueStart, valueEnd)));
    }
  }

  /** The keys that begin so and are not deleted. */
  withPrefix(prefix: Uint8Array): string[] {
    const keys: string[] = [];
    const entry = newEntry();
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    const hash = this.#hashOf(prefix);
    for (let slot = hash >>> this.#shift; slots[2 * slot] !== 0; slot = (slot + 1) & mask) {
      if (slots[2 * slot + 1] !== hash) continue;
      const { bytes, keyStart, valueStart, isDeleted } = this.#entryAt(slots[2 * slot]! - 1, entry);
      if (!isDeleted && isAt(bytes, keyStart + 1, prefix)) keys.push(fromBytes(bytes.subarray(keyStart + 1, valueStart)));
    }
    return keys;
  }

  /** All entries, in the order in which they lie in memory. Each lasts until the next. */
  *entries(): Generator<TableEntry> {
    const entry = newEntry();
    for (let chunk = 0; chunk < this.#chunks.length; chunk += 1) {
      const start = chunk * CHUNK_BYTES;
      const end = chunk === this.#chunks.length - 1 ? this.#end : start + this.#filled[chunk]!;
      for (let place = start; place < end; ) {
        this.#entryAt(place, entry);
        place = start + entry.valueStart + readTwo(entry.bytes, place - start);
        if (readTwo(entry.bytes, entry.keyStart - 2) !== MOVED) yield entry;
      }
    }
  }

  /** Whether there was room for the value. */
  #overwrite(place: number, value: ByteWriter | null): boolean {
    const bytes = this.#chunks[place >>> CHUNK_BITS]!;
    const at = place & (CHUNK_BYTES - 1);
    if (value !== null && value.length > readTwo(bytes, at)) return false;
    writeTwo(bytes, at + 2, value === null ? DELETED : value.length);
    value?.copyTo(bytes, at + HEAD_BYTES + 1 + this.#keyBytes);
    return true;
  }

  /** Where this key stands, or would. */
  #slotOf(key: Uint8Array, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hash >>> this.#shift; ; slot = (slot + 1) & mask) {
      const place = slots[2 * slot]!;
      if (place === 0) return slot;
      if (slots[2 * slot + 1] === hash && isAt(this.#chunks[(place - 1) >>> CHUNK_BITS]!, ((place - 1) & (CHUNK_BYTES - 1)) + HEAD_BYTES + 1, key)) return slot;
    }
  }

  #hashOf(key: Uint8Array): number {
    const factors = this.#factors;
    let hash = 0;
    for (let i = 0, word = 0; i < this.#prefixBytes; i += 4, word += 1) {
      const value = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24);
      hash = (hash + Math.imul(value, factors[word]!)) | 0;
    }
    return hash >>> 0;
  }

  #entryAt(place: number, entry: TableEntry): TableEntry {
    const bytes = this.#chunks[place >>> CHUNK_BITS]!;
    const at = place & (CHUNK_BYTES - 1);
    const length = readTwo(bytes, at + 2);
    entry.bytes = bytes;
    entry.keyStart = at + HEAD_BYTES;
    entry.valueStart = entry.keyStart + 1 + this.#keyBytes;
    entry.isDeleted = length === DELETED;
    entry.valueEnd = entry.valueStart + (length > CHUNK_BYTES ? 0 : length);
    return entry;
  }

  /** Makes room behind the last entry, and returns where it is. */
  #room(bytes: number): number {
    let place = this.#end;
    const inChunk = place & (CHUNK_BYTES - 1);
    if (inChunk === 0 || inChunk + bytes > CHUNK_BYTES) {
      if (this.#chunks.length > 0) this.#filled.push(this.#end - (this.#chunks.length - 1) * CHUNK_BYTES);
      place = this.#chunks.length << CHUNK_BITS;
      this.#chunks.push(Buffer.allocUnsafeSlow(CHUNK_BYTES));
    }
    this.#end = place + bytes;
    return place;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Uint32Array(old.length * 2);
    this.#slots = slots;
    this.#shift -= 1;
    const mask = slots.length / 2 - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] === 0) continue;
      let slot = old[i + 1]! >>> this.#shift;
      while (slots[2 * slot] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = old[i]!;
      slots[2 * slot + 1] = old[i + 1]!;
    }
  }
}

/** Odd numbers that nobody else knows: of a sum of words, each times one of them, the high bits are as good as drawn by lot. */
function factorsOf(seed: Uint8Array): Uint32Array {
  assert(seed.length === HASH_BYTES);
  const bytes = asBuffer(seed);
  return Uint32Array.from({ length: HASH_BYTES / 4 }, (_, i) => bytes.readUInt32BE(i * 4) | 1);
}

function newEntry(): TableEntry {
  return { bytes: NOTHING, keyStart: 0, valueStart: 0, valueEnd: 0, isDeleted: false };
}

const NOTHING = Buffer.alloc(0);

function isAt(bytes: Buffer, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i += 1) if (bytes[at + i] !== part[i]) return false;
  return true;
}

function readTwo(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function writeTwo(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}
