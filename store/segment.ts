/**
 * The header of a segment file (spec/store-format.md): which use of the file this is, and what a rebuilt index must
 * know of segments that are gone. It stands twice in the first block, in different sectors, so that one bad sector
 * does not cost a segment.
 */
import { asBuffer } from '../base/bytes.js';
import { crc32c } from '../wire/crc.js';
import { ByteReader, ByteWriter } from './binary.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import type { Stretch } from './segment-scan.js';

export const SEGMENT_HEADER_BYTES = 4096;
const COPY_OFFSETS = [0, 2048];
const MAGIC = 0x5053_4547;
const FORMAT_VERSION = 1;
const STORE_ID_BYTES = 16;
const SUMMED_BYTES = 4 + 1 + STORE_ID_BYTES + 6 + 5 + POSITION_BYTES + 6;

/** Ended records written before `position` that expire at or before `expirySec` have been forgotten. */
export interface Horizon {
  readonly expirySec: number;
  readonly position: Position;
}

export interface SegmentHeader {
  /** 16 random bytes, the same in every segment and in the index. */
  readonly storeId: Uint8Array;
  /** Grows with each use of any file. Its low 32 bits are the generation of the entries. */
  readonly sequence: number;
  readonly horizon: Horizon;
  /** The latest segment that was recycled. An index that had not got beyond it cannot be caught up. */
  readonly recycledSequence: number;
}

/** A segment of the log, as far as it is known. */
export interface Segment {
  readonly name: string;
  readonly header: SegmentHeader;
  /** Behind the last entry. */
  endOffset: number;
  damage: readonly Stretch[];
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const body = new ByteWriter(SUMMED_BYTES)
    .uint(MAGIC, 4)
    .uint(FORMAT_VERSION, 1)
    .fixed(header.storeId)
    .uint(header.sequence, 6)
    .uint(header.horizon.expirySec, 5)
    .uint(header.horizon.position, POSITION_BYTES)
    .uint(header.recycledSequence, 6)
    .finish();
  const block = Buffer.alloc(SEGMENT_HEADER_BYTES);
  for (const offset of COPY_OFFSETS) {
    block.set(body, offset);
    block.writeUInt32BE(crc32c(body), offset + SUMMED_BYTES);
  }
  return block;
}

/** The header in a segment's first block; undefined where neither copy is whole. */
export function decodeSegmentHeader(block: Uint8Array): SegmentHeader | undefined {
  for (const offset of COPY_OFFSETS) {
    if (block.length < offset + SUMMED_BYTES + 4) continue;
    const body = block.subarray(offset, offset + SUMMED_BYTES);
    if (asBuffer(block).readUInt32BE(offset + SUMMED_BYTES) !== crc32c(body)) continue;
    const reader = new ByteReader(body, 'a segment header');
    if (reader.uint(4) !== MAGIC || reader.uint(1) !== FORMAT_VERSION) continue;
    return {
      storeId: reader.fixed(STORE_ID_BYTES).slice(),
      sequence: reader.uint(6),
      horizon: { expirySec: reader.uint(5), position: reader.uint(POSITION_BYTES) },
      recycledSequence: reader.uint(6),
    };
  }
  return undefined;
}

export function generationOf(sequence: number): number {
  return sequence >>> 0;
}
