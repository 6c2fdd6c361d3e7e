/** Refusals: to a known peer, why a record was not taken (spec/controls.md). Nobody else is ever told. */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { HASH_BYTES } from './digest.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { OBJECT_TYPE } from './object-types.js';

/** The codes by their numbers, from 1. */
const CODES = ['expired', 'too-large', 'quota', 'full', 'no-route', 'blob-mismatch', 'unknown', 'clock', 'loop'] as const;

export type RefusalCode = (typeof CODES)[number];

export interface Refusal {
  readonly kind: 'refusal';
  /** 32 bytes. */
  readonly rid: Uint8Array;
  readonly code: RefusalCode;
  readonly retryAfterSec?: number;
  /** For people. */
  readonly note?: string;
}

export const MAX_NOTE_BYTES = 200;

export function encodeRefusal(refusal: Omit<Refusal, 'kind'>): Uint8Array {
  const map = new Map<number, CborValue>([
    [0, OBJECT_TYPE.refusal],
    [1, refusal.rid],
    [2, CODES.indexOf(refusal.code) + 1],
  ]);
  if (refusal.retryAfterSec !== undefined) map.set(3, refusal.retryAfterSec);
  if (refusal.note !== undefined) map.set(4, refusal.note);
  return encodeCbor(map);
}

export function decodeRefusal(bytes: Uint8Array, path = 'refusal', offset = 0): Refusal {
  return readRefusal(readFields(bytes, path, undefined, offset));
}

export function readRefusal(fields: Fields): Refusal {
  fields.type(OBJECT_TYPE.refusal);
  const rid = fields.bytes(1, 'rid', HASH_BYTES);
  const number = fields.uint(2, 'code');
  const code = CODES[number - 1];
  if (code === undefined) throw fields.wrong(2, 'code', String(number), `1 to ${CODES.length}`);
  const refusal: Refusal = {
    kind: 'refusal',
    rid,
    code,
    ...(fields.has(3) && { retryAfterSec: fields.uint(3, 'retry-after') }),
    ...(fields.has(4) && { note: fields.text(4, 'note', MAX_NOTE_BYTES) }),
  };
  fields.end();
  return refusal;
}
