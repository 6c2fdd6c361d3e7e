/**
 * The transit record: all that a gateway may know of one blob (spec/record.md). Its id, `rid`, is the
 * hash of its bytes, so a record that was altered on the way is another record.
 */
import { concatBytes, utf8 } from '../base/bytes.js';
import { COMMITMENT_BYTES, LOCATOR_BYTES } from './capability.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { HASH_BYTES } from './digest.js';
import { sha256Of } from './node-crypto.js';
import { MAX_DOMAIN_BYTES, isDomainName } from './domain-name.js';
import { readFields } from './fields.js';

export interface TransitRecord {
  /** Destination domain, lower-case A-labels. */
  readonly destination: string;
  /** 24 bytes: hash of the message id. Whoever knows the id can compute it, nobody can go back. */
  readonly locator: Uint8Array;
  /** Transit expiry, Unix seconds, a multiple of 3600. */
  readonly expirySec: number;
  /** Length of the blob in bytes. */
  readonly blobBytes: number;
  /** SHA-256 of the blob, 32 bytes. */
  readonly blobHash: Uint8Array;
  /** 16 bytes; its opening retracts. */
  readonly retractCommitment: Uint8Array;
  /** 16 bytes; its opening accepts. */
  readonly acceptCommitment?: Uint8Array;
  /** Inner notification, sealed by the sending client to the destination domain. */
  readonly notification?: Uint8Array;
  /** The exact bytes of the record, as received: what is hashed, stored and passed on. */
  readonly bytes: Uint8Array;
  /** 32 bytes: SHA-256("rid/1" || bytes). */
  readonly rid: Uint8Array;
}

export const RECORD_LIMITS = { bytes: 8 * 1024 };
/** A sealed inner notification takes about 110 bytes; more room would make records a way around blobs. */
export const MAX_NOTIFICATION_BYTES = 1024;
/** Expiry is coarse, so that it tells little about when a message was written. */
export const EXPIRY_STEP_SEC = 3600;

const RECORD_TYPE = 1;
const RID_LABEL = utf8('rid/1');

export function makeRecord(fields: Omit<TransitRecord, 'bytes' | 'rid'>): TransitRecord {
  const map = new Map<number, CborValue>([
    [0, RECORD_TYPE],
    [1, fields.destination],
    [2, fields.locator],
    [3, fields.expirySec],
    [4, fields.blobBytes],
    [5, fields.blobHash],
    [6, fields.retractCommitment],
  ]);
  if (fields.acceptCommitment !== undefined) map.set(7, fields.acceptCommitment);
  if (fields.notification !== undefined) map.set(8, fields.notification);
  // Read back, so that nothing is made that a reader would refuse.
  return decodeRecord(encodeCbor(map));
}

/** The byte strings of the record are views on `bytes`. @param offset of the record in what `path` names. */
export function decodeRecord(bytes: Uint8Array, path = 'record', offset = 0): TransitRecord {
  const fields = readFields(bytes, path, RECORD_LIMITS, offset);
  fields.type(RECORD_TYPE);
  const destination = fields.text(1, 'destination', MAX_DOMAIN_BYTES);
  if (!isDomainName(destination)) throw fields.wrong(1, 'destination', 'other text', 'a domain name of lower-case A-labels');
  const locator = fields.bytes(2, 'locator', LOCATOR_BYTES);
  const expirySec = fields.uint(3, 'expiry');
  if (expirySec % EXPIRY_STEP_SEC !== 0) throw fields.wrong(3, 'expiry', String(expirySec), `a multiple of ${EXPIRY_STEP_SEC}`);
  const blobBytes = fields.uint(4, 'blob-bytes');
  if (blobBytes === 0) throw fields.wrong(4, 'blob-bytes', '0', 'at least 1');
  const blobHash = fields.bytes(5, 'blob-hash', HASH_BYTES);
  const retractCommitment = fields.bytes(6, 'retract-commitment', COMMITMENT_BYTES);
  const acceptCommitment = fields.has(7) ? fields.bytes(7, 'accept-commitment', COMMITMENT_BYTES) : undefined;
  const notification = fields.has(8) ? fields.bytesWithin(8, 'notification', 1, MAX_NOTIFICATION_BYTES) : undefined;
  fields.end();
  return {
    destination,
    locator,
    expirySec,
    blobBytes,
    blobHash,
    retractCommitment,
    ...(acceptCommitment !== undefined && { acceptCommitment }),
    ...(notification !== undefined && { notification }),
    bytes,
    rid: sha256Of(concatBytes(RID_LABEL, bytes)),
  };
}
