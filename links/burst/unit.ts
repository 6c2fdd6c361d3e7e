/** A unit of freight as fragments of one size, behind a check that finds out parts of different units put together. */
import { concatBytes, equalBytes } from '../../base/bytes.js';
import { sha256 } from '../../wire/digest.js';

const CHECK_BYTES = 4;

/** The fragments of a unit; all but the last have `fragmentBytes`. */
export function toFragments(unit: Uint8Array, fragmentBytes: number): Uint8Array[] {
  const stream = concatBytes(sha256(unit).subarray(0, CHECK_BYTES), unit);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += fragmentBytes) fragments.push(stream.subarray(at, at + fragmentBytes));
  return fragments;
}

/** Undefined where they are not the fragments of one unit. */
export function fromFragments(fragments: readonly Uint8Array[]): Uint8Array | undefined {
  const stream = concatBytes(...fragments);
  const unit = stream.subarray(CHECK_BYTES);
  return stream.length >= CHECK_BYTES && equalBytes(stream.subarray(0, CHECK_BYTES), sha256(unit).subarray(0, CHECK_BYTES)) ? unit : undefined;
}

/** The largest unit that so many fragments of this size hold. */
export function largestUnitBytes(fragmentBytes: number, fragments: number): number {
  return fragmentBytes * fragments - CHECK_BYTES;
}
