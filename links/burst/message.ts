/**
 * What travels in one message of the satellite network (spec/burst.md): a check that it is from this neighbour and
 * whole, then frames. A fragment is a part of a unit; holdings say which fragments of a unit are here.
 */
import { concatBytes, equalBytes, utf8 } from '../../base/bytes.js';
import { sha256 } from '../../wire/digest.js';

/** The public keys of the two ends: in the check, so that what somebody else sends to this modem is no message of ours. */
export interface Ends {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export interface Fragment {
  readonly kind: 'fragment';
  /** 16 bits, drawn by the sender. */
  readonly unit: number;
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export interface Holdings {
  readonly kind: 'holdings';
  readonly unit: number;
  /** One for each fragment of the unit. */
  readonly has: readonly boolean[];
}

export type Frame = Fragment | Holdings;

export const MOST_FRAGMENTS = 255;
export const CHECK_BYTES = 2;
/** Kind, unit, index and count before the bytes of a fragment. */
export const FRAGMENT_HEAD_BYTES = 5;

const LABEL = utf8('burst/1');
const FRAGMENT = 1;
const HOLDINGS = 2;

export function frameBytes(frame: Frame): number {
  return frame.kind === 'fragment' ? FRAGMENT_HEAD_BYTES + frame.bytes.length : 4 + Math.ceil(frame.has.length / 8);
}

/** A fragment reaches to the end of the message, so it stands last. */
export function encodeMessage(frames: readonly Frame[], ends: Ends): Uint8Array {
  const body = concatBytes(...frames.map(encodeFrame));
  return concatBytes(checkOf(body, ends), body);
}

/** Undefined for what is no message of this neighbour, or not a whole one. */
export function decodeMessage(bytes: Uint8Array, ends: Ends): Frame[] | undefined {
  const body = bytes.subarray(CHECK_BYTES);
  if (bytes.length < CHECK_BYTES || !equalBytes(bytes.subarray(0, CHECK_BYTES), checkOf(body, ends))) return undefined;
  const frames: Frame[] = [];
  for (let at = 0; at < body.length; ) {
    const frame = decodeFrame(body.subarray(at));
    if (frame === undefined) return undefined;
    frames.push(frame);
    at += frameBytes(frame);
  }
  return frames;
}

function checkOf(body: Uint8Array, { from, to }: Ends): Uint8Array {
  return sha256(LABEL, from, to, body).subarray(0, CHECK_BYTES);
}

function encodeFrame(frame: Frame): Uint8Array {
  const unit = [frame.unit >> 8, frame.unit & 0xff];
  if (frame.kind === 'fragment') return concatBytes(Uint8Array.of(FRAGMENT, ...unit, frame.index, frame.count), frame.bytes);
  const bitmap = new Uint8Array(Math.ceil(frame.has.length / 8));
  frame.has.forEach((has, index) => {
    if (has) bitmap[index >> 3]! |= 0x80 >> (index & 7);
  });
  return concatBytes(Uint8Array.of(HOLDINGS, ...unit, frame.has.length), bitmap);
}

function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const [kind, high = 0, low = 0] = bytes;
  const unit = high * 256 + low;
  if (kind === FRAGMENT) {
    const [index, count] = [bytes[3], bytes[4]];
    if (index === undefined || count === undefined || index >= count || bytes.length === FRAGMENT_HEAD_BYTES) return undefined;
    return { kind: 'fragment', unit, index, count, bytes: bytes.slice(FRAGMENT_HEAD_BYTES) };
  }
  const count = bytes[3] ?? 0;
  if (kind !== HOLDINGS || count === 0 || bytes.length < 4 + Math.ceil(count / 8)) return undefined;
  return { kind: 'holdings', unit, has: Array.from({ length: count }, (_, index) => (bytes[4 + (index >> 3)]! & (0x80 >> (index & 7))) !== 0) };
}
