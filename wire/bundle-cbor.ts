/**
 * The little CBOR that bundle blocks are made of (RFC 9171 §4.1): unsigned integers, byte strings, text, booleans
 * and arrays. What its reader (block-reader.ts) and its writer (block-writer.ts) have in common.
 */

/** An unsigned integer of up to 64 bits: a number where a number is exact, a bigint above 2^53 - 1. */
export type Uint64 = number | bigint;

/** Number of items of an array whose head does not tell it, and which a break ends (RFC 8949 §3.2.2). */
export const INDEFINITE = -1;

export const MAJOR_UINT = 0x00;
export const MAJOR_BYTES = 0x40;
export const MAJOR_TEXT = 0x60;
export const MAJOR_ARRAY = 0x80;
export const INDEFINITE_ARRAY = 0x9f;
export const BREAK = 0xff;

/** The largest argument that stands in the head itself. */
export const MAX_SHORT_ARGUMENT = 23;
export const TWO_POW_32 = 0x1_0000_0000;
/** The least argument that needs a head of 1, 2, 4 or 8 more bytes. */
export const LEAST_ARGUMENT = [24, 0x100, 0x1_0000, TWO_POW_32];

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
