/** Every value of the index ends in its checksum: LevelDB has checksums too, and does not look at them when it reads. */
import { asBuffer } from '../base/bytes.js';
import { crc32c } from '../wire/crc.js';
import type { ByteWriter } from './binary.js';

const SEAL_BYTES = 4;

export function seal(value: ByteWriter): Uint8Array {
  return value.uint(value.crc(), SEAL_BYTES).finish();
}

/** What was sealed; undefined where it is not what it was. */
export function unsealed(value: Uint8Array): Uint8Array | undefined {
  if (value.length < SEAL_BYTES) return undefined;
  const content = value.subarray(0, -SEAL_BYTES);
  return asBuffer(value).readUInt32BE(content.length) === crc32c(content) ? content : undefined;
}
