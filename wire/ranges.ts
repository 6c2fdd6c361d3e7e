/** Wants and haves: which bytes of a record's blob one party asks for, or holds already (spec/controls.md). */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { HASH_BYTES } from './digest.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { OBJECT_TYPE } from './object-types.js';

/** Half-open: `[start, end)` in bytes of the blob. */
export type ByteRange = readonly [startByte: number, endByte: number];

export interface BlobRanges {
  readonly kind: 'want' | 'have';
  /** 32 bytes. */
  readonly rid: Uint8Array;
  /** In rising order, none empty, none overlapping. */
  readonly ranges: readonly ByteRange[];
}

/** A blob with more holes than that is asked for in several rounds. */
export const MAX_RANGES = 256;

export function encodeRanges(ranges: BlobRanges): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [0, OBJECT_TYPE[ranges.kind]],
      [1, ranges.rid],
      [2, ranges.ranges],
    ]),
  );
}

export function decodeRanges(bytes: Uint8Array, path = 'ranges', offset = 0): BlobRanges {
  return readRanges(readFields(bytes, path, undefined, offset));
}

export function readRanges(fields: Fields): BlobRanges {
  const kind = fields.uint(0, 'type') === OBJECT_TYPE.have ? 'have' : 'want';
  fields.type(OBJECT_TYPE[kind]);
  const rid = fields.bytes(1, 'rid', HASH_BYTES);
  const ranges = fields.array(2, 'ranges', 1, MAX_RANGES);
  refuseDisorder(ranges, fields);
  fields.end();
  return { kind, rid, ranges };
}

function refuseDisorder(ranges: readonly CborValue[], fields: Fields): asserts ranges is readonly ByteRange[] {
  let previousEnd = 0;
  for (const range of ranges) {
    const [start, end] = Array.isArray(range) && range.length === 2 ? (range as CborValue[]) : [];
    if (!isOffset(start) || !isOffset(end)) throw fields.wrong(2, 'ranges', 'a range of another form', 'pairs of byte offsets');
    if (start < previousEnd || end <= start) throw fields.wrong(2, 'ranges', `${start} to ${end} after ${previousEnd}`, 'rising, separate, non-empty ranges');
    previousEnd = end;
  }
}

function isOffset(value: CborValue | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}
