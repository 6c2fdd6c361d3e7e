/**
 * Typed reads of the keys of one CBOR map. Every object of the protocol is such a map or signs one, so the
 * rule for keys that a reader does not know (spec/README.md) stands here and nowhere else.
 */
import assert from 'node:assert';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import { measureCborItem } from './cbor-walker.js';
import type { CborLimits } from './cbor-walker.js';
import { unknownCritical, wrongType, wrongValue } from './faults.js';

/** Keys from here on may be ignored by who does not know them; below, down to 0, they belong to the version of the object. */
const FIRST_IGNORABLE_KEY = 64;
/** The keys that were asked for are remembered in the bits of one small integer. */
const LAST_NAMED_KEY = 30;

/** Reads the map that fills `bytes`. @param offset of its first byte in what `path` names: for error data. */
export function readFields(bytes: Uint8Array, path: string, limits?: Partial<CborLimits>, offset = 0): Fields {
  const value = decodeCbor(bytes, path, limits, offset);
  if (!(value instanceof Map)) throw wrongType(path, offset, describe(value), 'a map');
  return new Fields(value as ReadonlyMap<number | string, CborValue>, bytes, path, offset);
}

export class Fields {
  readonly #map: ReadonlyMap<number | string, CborValue>;
  readonly #bytes: Uint8Array;
  readonly #path: string;
  readonly #offset: number;
  #asked = 0;
  #present = 0;

  constructor(map: ReadonlyMap<number | string, CborValue>, bytes: Uint8Array, path: string, offset: number) {
    this.#map = map;
    this.#bytes = bytes;
    this.#path = path;
    this.#offset = offset;
  }

  has(key: number): boolean {
    return this.#map.has(key);
  }

  /** Key 0 of a typed object. */
  type(expected: number): void {
    const found = this.uint(0, 'type');
    if (found !== expected) throw this.wrong(0, 'type', `type ${found}`, `type ${expected}`);
  }

  /** An unsigned integer up to 2^53 - 1: sizes, times and counts are computed with. */
  uint(key: number, name: string): number {
    const value = this.#take(key, name);
    if (typeof value === 'number' && value >= 0) return value;
    if (typeof value === 'number' || typeof value === 'bigint') throw this.wrong(key, name, String(value), 'an unsigned integer below 2^53');
    throw this.#wrongType(key, name, value, 'an unsigned integer');
  }

  bool(key: number, name: string): boolean {
    const value = this.#take(key, name);
    if (typeof value !== 'boolean') throw this.#wrongType(key, name, value, 'true or false');
    return value;
  }

  /** A byte string of exactly `length` bytes: a view on the bytes read. */
  bytes(key: number, name: string, length: number): Uint8Array {
    const value = this.bytesWithin(key, name, 0, Infinity);
    if (value.length !== length) throw this.wrong(key, name, `${value.length} bytes`, `${length} bytes`);
    return value;
  }

  /** A byte string of `least` to `most` bytes: a view on the bytes read. */
  bytesWithin(key: number, name: string, least: number, most: number): Uint8Array {
    const value = this.#take(key, name);
    if (!(value instanceof Uint8Array)) throw this.#wrongType(key, name, value, 'a byte string');
    if (value.length < least || value.length > most) throw this.wrong(key, name, `${value.length} bytes`, `${least} to ${most} bytes`);
    return value;
  }

  /** Text of up to `mostBytes` bytes of UTF-8. */
  text(key: number, name: string, mostBytes: number): string {
    const value = this.#take(key, name);
    if (typeof value !== 'string') throw this.#wrongType(key, name, value, 'text');
    const bytes = Buffer.byteLength(value);
    if (bytes > mostBytes) throw this.wrong(key, name, `${bytes} bytes of text`, `${mostBytes} bytes at most`);
    return value;
  }

  /** An array of `least` to `most` values, as decoded. */
  array(key: number, name: string, least: number, most: number): readonly CborValue[] {
    const value = this.#take(key, name);
    if (!Array.isArray(value)) throw this.#wrongType(key, name, value, 'an array');
    if (value.length < least || value.length > most) throw this.wrong(key, name, `${value.length} values`, `${least} to ${most} values`);
    return value as readonly CborValue[];
  }

  /** After the last read: refuses what is neither known nor ignorable. */
  end(): void {
    if (this.#present === this.#map.size) return;
    for (const key of this.#map.keys()) {
      if (typeof key === 'string') throw wrongType(this.#path, this.#offsetOf(key), 'a text key', 'integer keys');
      if (key < 0) throw unknownCritical(this.#path, this.#offsetOf(key), String(key));
      if (key < FIRST_IGNORABLE_KEY && !this.#wasAsked(key)) throw wrongValue(this.#path, this.#offsetOf(key), `key ${key}`, 'only keys of this version');
    }
  }

  /** The fault of a field whose type is right and whose value is not, for rules that only its reader knows. */
  wrong(key: number, name: string, found: string, expected: string): Error {
    return wrongValue(`${this.#path}/${name}`, this.#offsetOf(key), found, expected);
  }

  #take(key: number, name: string): CborValue {
    assert(key >= 0 && key <= LAST_NAMED_KEY);
    const value = this.#map.get(key);
    if (value === undefined) throw wrongValue(`${this.#path}/${name}`, this.#offset, `no key ${key}`, `${name} under key ${key}`);
    if (!this.#wasAsked(key)) this.#present += 1;
    this.#asked |= 1 << key;
    return value;
  }

  #wasAsked(key: number): boolean {
    return key <= LAST_NAMED_KEY && (this.#asked & (1 << key)) !== 0;
  }

  #wrongType(key: number, name: string, value: CborValue, expected: string): Error {
    return wrongType(`${this.#path}/${name}`, this.#offsetOf(key), describe(value), expected);
  }

  /** Where the entry of a key begins. Found again from the bytes, because only a refusal asks. */
  #offsetOf(key: number | string): number {
    const limits = { bytes: Infinity, items: Infinity, depth: Infinity };
    let at = MAP_HEAD_BYTES[this.#bytes[0]! & 31] ?? 1;
    for (const present of this.#map.keys()) {
      if (present === key) break;
      const value = measureCborItem(this.#bytes, at, this.#path, limits)!;
      at = measureCborItem(this.#bytes, value, this.#path, limits)!;
    }
    return this.#offset + at;
  }
}

/** Head lengths that are not 1, by the low five bits of the first byte. A map within the limits needs no longer ones. */
const MAP_HEAD_BYTES: Readonly<Record<number, number>> = { 24: 2, 25: 3, 26: 5 };

/** What a value is, in words for a message. */
export function describe(value: CborValue): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return 'a byte string';
  if (value instanceof Map) return 'a map';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? String(value) : 'an integer';
}
