/** The head of a CBOR value: its major type and its argument (RFC 8949 §3), in the shortest form only. */
import { notDeterministic, wrongType } from './faults.js';

export interface CborHead {
  readonly major: number;
  /** Exact up to 2^53; beyond, near enough to compare with a limit. */
  readonly argument: number;
  /** Length of the head itself. */
  readonly bytes: number;
}

/** Where a head stands. Asked for a fault only, because a path costs more than a head. */
export interface Place {
  where(): { path: string; offset: number };
}

/** The head at `at`; undefined when the bytes end inside it. Floats and lengths that are not definite are refused. */
export function readHead(bytes: Uint8Array, at: number, end: number, place: Place): CborHead | undefined {
  if (at >= end) return undefined;
  const initial = bytes[at]!;
  const major = initial >> 5;
  const info = initial & 31;
  if (info < 24) return { major, argument: info, bytes: 1 };
  if (info > 27 || major === 7) throw illegalHead(info, place);
  const headBytes = headBytesOf(initial);
  if (at + headBytes > end) return undefined;
  const argument = readArgument(bytes, at + 1, headBytes - 1);
  if (argument < LEAST_ARGUMENT[info - 24]!) throw fault(place, 'a head longer than it need be');
  return { major, argument, bytes: headBytes };
}

/** Length of the head that begins with `initial`. */
export function headBytesOf(initial: number): number {
  const info = initial & 31;
  return info < 24 || info > 27 ? 1 : 1 + (1 << (info - 24));
}

/** What needs a head of 1, 2, 4 or 8 more bytes. */
const LEAST_ARGUMENT = [24, 0x100, 0x1_0000, 0x1_0000_0000];

function readArgument(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  // Multiplied, not shifted: bit operations end at 32 bits.
  for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

function illegalHead(info: number, place: Place): Error {
  if (info === 31) return fault(place, 'an indefinite length or a break');
  const { path, offset } = place.where();
  if (info > 27) return wrongType(path, offset, `reserved head ${info}`, 'a value');
  return wrongType(path, offset, info === 24 ? 'an extended simple value' : 'a floating-point number', 'an integer');
}

function fault(place: Place, found: string): Error {
  const { path, offset } = place.where();
  return notDeterministic(path, offset, found);
}
