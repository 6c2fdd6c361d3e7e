/**
 * The beginning of a blob (spec/envelope.md): the length of the sealed envelope in four bytes, the sealed
 * envelope. The payload's ciphertext is the rest.
 */
import { asBuffer, concatBytes } from '../base/bytes.js';
import { MAX_ENVELOPE_BYTES } from './envelope.js';
import { overLimit, wrongValue } from './faults.js';
import { SEALED_OVERHEAD_BYTES } from './sealed.js';

export interface BlobHead {
  readonly sealedEnvelope: Uint8Array;
  /** Where the payload begins in the blob. */
  readonly payloadOffset: number;
}

export function encodeBlobHead(sealedEnvelope: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES);
  asBuffer(length).writeUInt32BE(sealedEnvelope.length);
  return concatBytes(length, sealedEnvelope);
}

/** Reads the head from the first bytes of a blob; undefined when it goes on beyond them. The envelope is a view on `bytes`. */
export function decodeBlobHead(bytes: Uint8Array, path = 'blob'): BlobHead | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const length = asBuffer(bytes).readUInt32BE();
  if (length > MAX_SEALED_ENVELOPE_BYTES) throw overLimit(path, 0, length, MAX_SEALED_ENVELOPE_BYTES, 'bytes of sealed envelope');
  if (length <= SEALED_OVERHEAD_BYTES) throw wrongValue(path, 0, `${length} bytes of sealed envelope`, `more than ${SEALED_OVERHEAD_BYTES}`);
  const payloadOffset = LENGTH_BYTES + length;
  return bytes.length < payloadOffset ? undefined : { sealedEnvelope: bytes.subarray(LENGTH_BYTES, payloadOffset), payloadOffset };
}

const LENGTH_BYTES = 4;
const MAX_SEALED_ENVELOPE_BYTES = MAX_ENVELOPE_BYTES + SEALED_OVERHEAD_BYTES;

/** No head is longer: with so many bytes of a blob at hand, decodeBlobHead gives an answer. */
export const MAX_BLOB_HEAD_BYTES = LENGTH_BYTES + MAX_SEALED_ENVELOPE_BYTES;
