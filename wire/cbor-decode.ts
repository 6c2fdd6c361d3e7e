/**
 * CBOR bytes to values. The walker goes first, so that cbor-x sees only what spec/cbor.md allows: alone it
 * accepts duplicate keys, broken text and long heads, and can be made to spend a second on one bignum.
 */
import { Decoder } from 'cbor-x/decode';
import type { CborValue } from './cbor.js';
import { CborWalker } from './cbor-walker.js';
import type { CborLimits } from './cbor-walker.js';
import { trailing, truncated } from './faults.js';

/**
 * The one item that fills `bytes` exactly. Byte strings in the result are views on `bytes`.
 * @param offset of the first byte in what `path` names: for error data.
 */
export function decodeCbor(bytes: Uint8Array, path: string, limits?: Partial<CborLimits>, offset = 0): CborValue {
  walker.begin(path, offset, limits);
  if (!walker.walk(bytes, 0, bytes.length)) throw truncated(path, offset + bytes.length);
  if (walker.length < bytes.length) throw trailing(path, offset + walker.length);
  // A fresh view: cbor-x hangs a property on the one it is given, and its byte strings take its class.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return walker.beyondSafe ? narrow(wideDecoder.decode(view) as CborValue) : (exactDecoder.decode(view) as CborValue);
}

const walker = new CborWalker();
const OPTIONS = { mapsAsObjects: false, useRecords: false, tagUint8Array: false };
/** Reads 64-bit integers as numbers: exact, because the walker has seen none beyond 2^53. */
const exactDecoder = new Decoder({ ...OPTIONS, int64AsNumber: true } as typeof OPTIONS);
/** Reads every 64-bit integer as a bigint. */
const wideDecoder = new Decoder(OPTIONS);

/** Turns the bigints back to numbers that need not be bigints, so that a value has one form. */
function narrow(value: CborValue): CborValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(narrow);
  if (value instanceof Map) return new Map(Array.from(value as ReadonlyMap<number, CborValue>, ([key, item]) => [narrow(key) as number, narrow(item)]));
  return value;
}
