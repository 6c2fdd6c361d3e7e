/**
 * Runs the vectors of one kind of object: whole, written again, cut short at every byte, and with every byte
 * changed. Whatever the bytes, a reader gives a value or a coded error.
 */
import t from 'tap';
import { toHex } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import type { ErrorCode } from '../base/errors.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';

export interface VectorSuite<T> {
  /** As in the header of the vectors. */
  readonly object: string;
  readonly decode: (bytes: Uint8Array) => T;
  /** Writes what was read, from the values alone. */
  readonly encode: (value: T) => Uint8Array;
  /** Cases that values alone do not give back, such as keys that we ignore: the end of their names. */
  readonly notWritten?: string;
  /** What a reader says to bytes that are cut short: WIRE_TRUNCATED, unless they are sealed. */
  readonly cut?: ErrorCode;
  /** A sequence may end between its items; anything else that is cut is refused. */
  readonly sequence?: boolean;
}

/** A length or a value changes, and a type. */
const FLIPS = [0x01, 0xe0];
/** Long vectors are cut and changed at that many places only. */
const MOST_PLACES = 1024;

export function runVectors<T>({ object, decode, encode, notWritten, cut = 'WIRE_TRUNCATED', sequence = false }: VectorSuite<T>): void {
  const vectors = readSpecVectors(object);
  const outcome = (bytes: Uint8Array): string => {
    try {
      decode(bytes);
      return 'ok';
    } catch (thrown) {
      return isPosternError(thrown) ? thrown.code : `not coded: ${String(thrown)}`;
    }
  };

  t.test(`${object}: every vector has the outcome it names`, async (t) => {
    t.not(vectors.length, 0, 'there are vectors');
    for (const { name, note, bytes, expect } of vectors) t.equal(outcome(bytes), expect, `${name}: ${note}`);
  });

  t.test(`${object}: what is read is written again as the same bytes`, async (t) => {
    for (const { name, bytes, expect } of vectors) {
      if (expect !== 'ok' || (notWritten !== undefined && name.endsWith(notWritten))) continue;
      t.equal(toHex(encode(decode(bytes))), toHex(bytes), name);
    }
  });

  t.test(`${object}: cut short at any byte, it is refused`, async (t) => {
    for (const { name, bytes, expect } of vectors) {
      const wrong = places(bytes).map((length) => outcome(bytes.subarray(0, length)));
      const allowed = (found: string): boolean => (expect === 'ok' && !sequence ? found === cut : !found.startsWith('not coded'));
      t.same(wrong.filter((found) => !allowed(found)), [], name);
    }
  });

  t.test(`${object}: with any byte changed, it is read or refused with a code`, async (t) => {
    for (const { name, bytes, expect } of vectors) {
      const flips = expect === 'ok' ? FLIPS : FLIPS.slice(0, 1);
      const found = places(bytes).flatMap((at) => flips.map((flip) => outcome(flipped(bytes, at, flip))));
      t.same(found.filter((code) => code.startsWith('not coded')), [], name);
    }
  });
}

function places(bytes: Uint8Array): number[] {
  const step = Math.ceil(bytes.length / MOST_PLACES);
  const all: number[] = [];
  for (let at = 0; at < bytes.length; at += step) all.push(at);
  return all;
}

function flipped(bytes: Uint8Array, at: number, flip: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= flip;
  return copy;
}
