/**
 * Self-delimiting numeric values (RFC 5050 §4.1, RFC 6256): seven bits a byte, the most significant first, and
 * the top bit set on every byte but the last. Numbers here are at most 64 bits wide.
 */
import { strict as assert } from 'node:assert';
import type { PosternError } from '../../base/errors.js';
import { limitFault, protocolFault } from './faults.js';

/** 64 bits in groups of seven. HDTN picks numbers of this width; RFC 5326 has no use for wider ones. */
export const SDNV_BYTES = 10;
const UINT64 = 2n ** 64n;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

export interface ReadSdnv {
  readonly value: bigint;
  /** The offset behind it. */
  readonly next: number;
}

export function encodeSdnv(value: bigint | number): Uint8Array {
  const bytes = new Uint8Array(sdnvBytes(value));
  putSdnv(bytes, 0, value);
  return bytes;
}

/** How many bytes `value` takes. */
export function sdnvBytes(value: bigint | number): number {
  let bytes = 1;
  if (typeof value === 'bigint' && value > SAFE) {
    assert(value < UINT64, `${value} is no number of 64 bits`);
    for (let rest = value; rest > 0x7fn; rest >>= 7n) bytes++;
    return bytes;
  }
  assert(value >= 0, `${value} is no number of 64 bits`);
  for (let rest = Number(value); rest > 0x7f; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes `value` at `offset` and gives the offset behind it. */
export function putSdnv(into: Uint8Array, offset: number, value: bigint | number): number {
  if (typeof value === 'bigint' && value > SAFE) return putWide(into, offset, value);
  const end = offset + sdnvBytes(value);
  let rest = Number(value);
  for (let at = end - 1; at >= offset; at--) {
    into[at] = (rest % 128) | (at === end - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return end;
}

function putWide(into: Uint8Array, offset: number, value: bigint): number {
  const end = offset + sdnvBytes(value);
  let rest = value;
  for (let at = end - 1; at >= offset; at--) {
    into[at] = Number(rest & 0x7fn) | (at === end - 1 ? 0 : 0x80);
    rest >>= 7n;
  }
  return end;
}

/** Leading zero groups are read, as RFC 6256 §2 has it; what is wider than 64 bits or cut short is a fault. @throws LINK_PROTOCOL, LINK_LIMIT */
export function readSdnv(bytes: Uint8Array, offset: number, path: string): ReadSdnv {
  let low = 0;
  for (let at = offset; at < offset + 7; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw cut(path, at);
    low = low * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value: BigInt(low), next: at + 1 };
  }
  let value = BigInt(low);
  for (let at = offset + 7; at < offset + SDNV_BYTES; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw cut(path, at);
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80 && value < UINT64) return { value, next: at + 1 };
  }
  throw limitFault(path, offset, 'a number wider than 64 bits', 64);
}

function cut(path: string, offset: number): PosternError<'LINK_PROTOCOL'> {
  return protocolFault(path, offset, 'the end of the segment', 'the rest of a number');
}
