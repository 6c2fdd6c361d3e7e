/** The faults of reading, one function per code, so that each is worded once and carries its path and offset. */
import { PosternError } from '../base/errors.js';

/** The input ends before the object does. */
export function truncated(path: string, offset: number): PosternError {
  return new PosternError('WIRE_TRUNCATED', `${path}: the input ends at byte ${offset}, inside the object`, { path, offset });
}

/** The object ends before the input does. */
export function trailing(path: string, offset: number): PosternError {
  return new PosternError('WIRE_TRAILING', `${path}: bytes follow the end of the object at byte ${offset}`, { path, offset });
}

/** A second encoding of a value that has a shorter, or only, one. */
export function notDeterministic(path: string, offset: number, found: string): PosternError {
  return new PosternError('WIRE_NOT_DETERMINISTIC', `${path}: ${found} at byte ${offset}; only deterministic CBOR is read (RFC 8949 §4.2.1)`, { path, offset });
}

export function wrongType(path: string, offset: number, found: string, expected: string): PosternError {
  return new PosternError('WIRE_TYPE', `${path}: found ${found} at byte ${offset}, expected ${expected}`, { path, offset, found, expected });
}

export function wrongValue(path: string, offset: number, found: string, expected: string): PosternError {
  return new PosternError('WIRE_VALUE', `${path}: found ${found} at byte ${offset}, expected ${expected}`, { path, offset, found, expected });
}

/** @param what names the unit of the limit: `bytes`, `items`, `levels`. */
export function overLimit(path: string, offset: number, found: number, limit: number, what: string): PosternError {
  return new PosternError('WIRE_LIMIT', `${path}: ${found} ${what} at byte ${offset}, the limit is ${limit}`, { path, offset, limit, found });
}

/** An extension that its writer declared critical and we do not know. */
export function unknownCritical(path: string, offset: number, key: string): PosternError {
  return new PosternError('WIRE_CRITICAL', `${path}: critical key ${key} at byte ${offset} is not known here`, { path, offset, found: key });
}

export function badSignature(path: string): PosternError {
  return new PosternError('WIRE_SIGNATURE', `${path}: the signature does not verify`, { path });
}

/** Something sealed that does not open, or cannot be sealed. Sealed objects say to nobody where they broke, so there is no offset. */
export function badSeal(path: string, found: string): PosternError {
  return new PosternError('WIRE_SEAL', `${path}: ${found}`, { path });
}
