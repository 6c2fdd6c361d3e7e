/**
 * Deterministic CBOR encoder (spec/cbor.md, RFC 8949 §4.2.1): shortest heads, definite lengths, map keys
 * in the order of their encodings. No floats, no tags, no undefined. A value that cannot be encoded is a bug.
 */
import assert from 'node:assert';
import { asBuffer } from '../base/bytes.js';

/** Integers are numbers up to 2^53 - 1 and bigints beyond; map keys are integers or text. */
export type CborValue = number | bigint | string | boolean | null | Uint8Array | readonly CborValue[] | ReadonlyMap<number | string, CborValue>;

export type MajorType = 0 | 1 | 2 | 3 | 4 | 5;

type Entry = readonly [number | string, CborValue];

const TWO_32 = 0x1_0000_0000;
const LONGEST_INTEGER = 0xffff_ffff_ffff_ffffn;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** One allocation of the exact size, then one pass of writing. */
export function encodeCbor(value: CborValue): Uint8Array {
  const out = new Uint8Array(sizeOf(value));
  const end = write(out, 0, value);
  assert.equal(end, out.length);
  return out;
}

/** The head alone: for a byte string whose bytes are sent separately. */
export function encodeCborHead(major: MajorType, argument: number): Uint8Array {
  const out = new Uint8Array(headSize(argument));
  writeHead(out, 0, major, argument);
  return out;
}

function sizeOf(value: CborValue): number {
  switch (typeof value) {
    case 'number':
      return headSize(value < 0 ? -1 - value : value);
    case 'bigint':
      return headSize(value < 0n ? -1n - value : value);
    case 'string':
      return withHead(Buffer.byteLength(value));
    case 'boolean':
      return 1;
    default:
      if (value === null) return 1;
      if (value instanceof Uint8Array) return withHead(value.length);
      if (isArray(value)) return value.reduce((sum: number, item) => sum + sizeOf(item), headSize(value.length));
      let size = headSize(value.size);
      for (const [key, item] of value) size += sizeOf(key) + sizeOf(item);
      return size;
  }
}

function write(out: Uint8Array, at: number, value: CborValue): number {
  switch (typeof value) {
    case 'number':
      assert(Number.isSafeInteger(value), 'only safe integers are encoded');
      return value < 0 ? writeHead(out, at, 1, -1 - value) : writeHead(out, at, 0, value);
    case 'bigint':
      return value < 0n ? writeHead(out, at, 1, -1n - value) : writeHead(out, at, 0, value);
    case 'string':
      return writeText(out, at, value);
    case 'boolean':
      out[at] = value ? 0xf5 : 0xf4;
      return at + 1;
    default:
      if (value === null) {
        out[at] = 0xf6;
        return at + 1;
      }
      if (value instanceof Uint8Array) {
        at = writeHead(out, at, 2, value.length);
        out.set(value, at);
        return at + value.length;
      }
      if (isArray(value)) {
        at = writeHead(out, at, 4, value.length);
        for (const item of value) at = write(out, at, item);
        return at;
      }
      at = writeHead(out, at, 5, value.size);
      for (const [key, item] of inKeyOrder(value)) at = write(out, write(out, at, key), item);
      return at;
  }
}

function headSize(argument: number | bigint): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x1_0000) return 3;
  return argument < TWO_32 ? 5 : 9;
}

function withHead(bytes: number): number {
  return headSize(bytes) + bytes;
}

function writeHead(out: Uint8Array, at: number, major: MajorType, argument: number | bigint): number {
  const type = major << 5;
  if (argument >= TWO_32) return writeLongHead(out, at, type, argument);
  const short = Number(argument);
  if (short < 24) {
    out[at] = type | short;
    return at + 1;
  }
  if (short < 0x100) {
    out[at] = type | 24;
    out[at + 1] = short;
    return at + 2;
  }
  if (short < 0x1_0000) {
    out[at] = type | 25;
    out[at + 1] = short >>> 8;
    out[at + 2] = short;
    return at + 3;
  }
  out[at] = type | 26;
  writeUint32(out, at + 1, short);
  return at + 5;
}

function writeLongHead(out: Uint8Array, at: number, type: number, argument: number | bigint): number {
  const long = BigInt(argument);
  assert(long <= LONGEST_INTEGER, 'an integer has at most 64 bits');
  out[at] = type | 27;
  writeUint32(out, at + 1, Number(long >> 32n));
  writeUint32(out, at + 5, Number(long & 0xffff_ffffn));
  return at + 9;
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function writeText(out: Uint8Array, at: number, text: string): number {
  assert(!LONE_SURROGATE.test(text), 'text is well-formed Unicode');
  const bytes = Buffer.byteLength(text);
  at = writeHead(out, at, 3, bytes);
  asBuffer(out).write(text, at);
  return at + bytes;
}

/** The entries of a map in bytewise order of their encoded keys; protocol objects are written in that order already. */
function inKeyOrder(map: ReadonlyMap<number | string, CborValue>): Iterable<Entry> {
  let previous: number | string | undefined;
  for (const key of map.keys()) {
    if (previous !== undefined && compareKeys(previous, key) > 0) return [...map].sort((a, b) => compareKeys(a[0], b[0]));
    previous = key;
  }
  return map;
}

/** Integers stand before text, non-negative before negative, short before long. */
function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < 0 !== b < 0) return a < 0 ? 1 : -1;
    return Math.abs(a) - Math.abs(b);
  }
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Array.isArray does not narrow a readonly array. */
function isArray(value: readonly CborValue[] | ReadonlyMap<number | string, CborValue>): value is readonly CborValue[] {
  return Array.isArray(value);
}
