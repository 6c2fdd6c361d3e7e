/**
 * The CRC of a block (RFC 9171 §4.2.1, §4.2.2): its type, and its field, which counts as zeros while the CRC
 * of the whole block is taken.
 */
import { PosternError } from '../base/errors.js';
import type { BlockReader } from './block-reader.js';
import type { BlockWriter } from './block-writer.js';
import { CRC_OF_NOTHING, crc16X25, crc32c } from './crc.js';
import { wrongValue } from './faults.js';

export type CrcType = 'none' | 'crc16' | 'crc32c';

/** The place of a type in this list is its code. */
const CRC_TYPES: readonly CrcType[] = ['none', 'crc16', 'crc32c'];

const CRCS = {
  crc16: { sum: crc16X25, width: 2, zeroField: Uint8Array.of(0x42, 0, 0) },
  crc32c: { sum: crc32c, width: 4, zeroField: Uint8Array.of(0x44, 0, 0, 0, 0) },
};

const NOTHING = new Uint8Array();

/** How many items of a block's array the CRC is. */
export function crcItems(type: CrcType): number {
  return type === 'none' ? 0 : 1;
}

export function writeCrcType(writer: BlockWriter, type: CrcType): void {
  writer.uint(CRC_TYPES.indexOf(type));
}

export function readCrcType(reader: BlockReader, path: string): CrcType {
  const start = reader.offset;
  const code = reader.uint(path);
  const type = CRC_TYPES[Number(code)];
  if (type === undefined) throw wrongValue(path, start, `CRC type ${code}`, '0, 1 or 2');
  return type;
}

/** Writes the CRC field of the block that began at `start`; `elsewhere` are bytes of it that follow but are kept apart. */
export function writeCrc(writer: BlockWriter, type: CrcType, start: number, elsewhere: Uint8Array = NOTHING): void {
  if (type === 'none') return;
  const { sum, width, zeroField } = CRCS[type];
  const before = sum(elsewhere, sum(writer.bytes, CRC_OF_NOTHING, start, writer.length));
  writer.bigEndianByteString(sum(zeroField, before), width);
}

/** Reads to the end of the block that began at `start`, an array of `count` items: its CRC, which has to fit, and its break. */
export function endBlock(reader: BlockReader, type: CrcType, start: number, count: number, path: string): void {
  if (type === 'none') {
    reader.endArray(count, path);
    return;
  }
  const { sum, width, zeroField } = CRCS[type];
  const fieldStart = reader.offset;
  const found = reader.bigEndianByteString(width, path);
  const fieldEnd = reader.offset;
  reader.endArray(count, path);

  const throughField = sum(zeroField, sum(reader.bytes, CRC_OF_NOTHING, start, fieldStart));
  // Only the break of an indefinite array stands behind the field.
  const expected = fieldEnd === reader.offset ? throughField : sum(reader.bytes, throughField, fieldEnd, reader.offset);
  if (found === expected) return;
  throw new PosternError('WIRE_CRC', `${path}: the CRC is ${hex(found, width)}, that of the bytes is ${hex(expected, width)}`, {
    path,
    offset: fieldStart,
    found: hex(found, width),
    expected: hex(expected, width),
  });
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width * 2, '0');
}
