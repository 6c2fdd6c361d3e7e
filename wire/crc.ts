/**
 * The two checksums of RFC 9171 §4.2.1: CRC-16/X.25 and CRC-32C (Castagnoli). Both are plain JavaScript,
 * so that nothing native has to be carried inside the single executable. Each takes the value so far, so
 * that a block can be summed in parts without joining them.
 */

/** Value to start either checksum with: that of no bytes at all. */
export const CRC_OF_NOTHING = 0;

const BYTE_VALUES = 256;
/** Sixteen tables take sixteen bytes a step: about as fast as SHA-256 runs in native code. */
const SLICES = 16;
const CRC32C_POLYNOMIAL_REFLECTED = 0x82f63b78;
const X25_POLYNOMIAL_REFLECTED = 0x8408;

const CRC32C_TABLES = makeTables(CRC32C_POLYNOMIAL_REFLECTED, SLICES);
const X25_TABLE = makeTables(X25_POLYNOMIAL_REFLECTED, 1);

/** CRC-16/X.25 of `bytes` from `start` to `end`, going on from `before`. */
export function crc16X25(bytes: Uint8Array, before: number = CRC_OF_NOTHING, start = 0, end = bytes.length): number {
  let crc = before ^ 0xffff;
  for (let i = start; i < end; i += 1) {
    crc = (crc >>> 8) ^ X25_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  }
  return crc ^ 0xffff;
}

/** CRC-32C of `bytes` from `start` to `end`, going on from `before`; an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, before: number = CRC_OF_NOTHING, start = 0, end = bytes.length): number {
  const table = CRC32C_TABLES;
  const sliced = end - ((end - start) % SLICES);
  let crc = ~before;
  let i = start;
  // Byte k of a step has 15 - k more bytes to travel through, and table number 15 - k does just that.
  for (; i < sliced; i += SLICES) {
    crc =
      table[3840 + ((crc ^ bytes[i]!) & 0xff)]! ^
      table[3584 + (((crc >>> 8) ^ bytes[i + 1]!) & 0xff)]! ^
      table[3328 + (((crc >>> 16) ^ bytes[i + 2]!) & 0xff)]! ^
      table[3072 + ((crc >>> 24) ^ bytes[i + 3]!)]! ^
      table[2816 + bytes[i + 4]!]! ^
      table[2560 + bytes[i + 5]!]! ^
      table[2304 + bytes[i + 6]!]! ^
      table[2048 + bytes[i + 7]!]! ^
      table[1792 + bytes[i + 8]!]! ^
      table[1536 + bytes[i + 9]!]! ^
      table[1280 + bytes[i + 10]!]! ^
      table[1024 + bytes[i + 11]!]! ^
      table[768 + bytes[i + 12]!]! ^
      table[512 + bytes[i + 13]!]! ^
      table[256 + bytes[i + 14]!]! ^
      table[bytes[i + 15]!]!;
  }
  // Header blocks are shorter than a step or two, so their ends count.
  for (const inFours = end - ((end - i) % 4); i < inFours; i += 4) {
    crc =
      table[768 + ((crc ^ bytes[i]!) & 0xff)]! ^
      table[512 + (((crc >>> 8) ^ bytes[i + 1]!) & 0xff)]! ^
      table[256 + (((crc >>> 16) ^ bytes[i + 2]!) & 0xff)]! ^
      table[(crc >>> 24) ^ bytes[i + 3]!]!;
  }
  for (; i < end; i += 1) {
    crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  }
  return ~crc >>> 0;
}

/** Table k, at k * 256, takes a byte through itself and k bytes of zeros. */
function makeTables(polynomial: number, count: number): Int32Array {
  const tables = new Int32Array(count * BYTE_VALUES);
  for (let value = 0; value < BYTE_VALUES; value += 1) {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    }
    tables[value] = crc;
  }
  for (let i = BYTE_VALUES; i < tables.length; i += 1) {
    const before = tables[i - BYTE_VALUES]!;
    tables[i] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}
