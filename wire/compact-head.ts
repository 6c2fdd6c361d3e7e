/** Reads what stands before the blobs in a compact batch: the offer's own fields, records and controls (spec/burst.md). */
import { asBuffer } from '../base/bytes.js';
import { BATCH_LIMITS } from './batch.js';
import { COMMITMENT_BYTES, LOCATOR_BYTES, OPENING_SECRET_BYTES } from './capability.js';
import { CONTROL, HOUR_SEC, RECORD } from './compact-forms.js';
import type { CompactReader } from './compact-reader.js';
import { CONTROL_LIMITS, decodeControl } from './control.js';
import { HASH_BYTES } from './digest.js';
import { MAX_DOMAIN_BYTES } from './domain-name.js';
import { wrongValue } from './faults.js';
import { SIGNATURE_BYTES } from './node-crypto.js';
import { OFFER_NONCE_BYTES } from './offer.js';
import { encodeOpening } from './opening.js';
import { MAX_RECEIPT_RECORDS, encodeReceipt } from './receipt.js';
import { MAX_NOTIFICATION_BYTES, RECORD_LIMITS, decodeRecord } from './record.js';
import type { TransitRecord } from './record.js';

/** A record as far as it is known before its blob has been read. Without a hash the blob follows, whole. */
export type CompactRecord = Omit<TransitRecord, 'bytes' | 'rid' | 'blobHash'> & { readonly blobHash?: Uint8Array };

export interface CompactHead {
  readonly sentSec: number;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
  readonly records: readonly (CompactRecord | TransitRecord)[];
  /** Encoded, each one control. */
  readonly controls: readonly Uint8Array[];
}

/** @param from kid8 of the sending peer, which signs receipts too */
export function readCompactHead(reader: CompactReader, from: Uint8Array): CompactHead {
  const sentSec = reader.uint('sent');
  const nonce = reader.bytes('nonce', OFFER_NONCE_BYTES);
  const signature = reader.bytes('signature', SIGNATURE_BYTES);
  const recordCount = reader.uint('record-count', BATCH_LIMITS.records);
  const controlCount = reader.uint('control-count', BATCH_LIMITS.controls);
  const records: (CompactRecord | TransitRecord)[] = [];
  while (records.length < recordCount) records.push(readRecord(reader, records.at(-1)?.destination, sentSec));
  const controls: Uint8Array[] = [];
  while (controls.length < controlCount) controls.push(readControl(reader, from, sentSec));
  return { sentSec, nonce, signature, records, controls };
}

function readRecord(reader: CompactReader, before: string | undefined, sentSec: number): CompactRecord | TransitRecord {
  const start = reader.offset;
  const tag = reader.byte('record');
  if (tag === 0) return decodeRecord(reader.sized('record', RECORD_LIMITS.bytes), 'compact/record', start);
  const has = (bit: number): boolean => (tag & bit) !== 0;
  const allBits = Object.values(RECORD).reduce((sum, bit) => sum | bit, 0);
  if (!has(RECORD.known) || (tag & ~allBits) !== 0) throw wrongValue('compact/record', start, `form ${tag}`, 'a form of this version');
  if (has(RECORD.sameDestination) && before === undefined) throw wrongValue('compact/record', start, 'the destination of no record before', 'a destination');
  // Read byte by byte: what is no ASCII is no domain name, and is refused as one when the record is made.
  const destination = has(RECORD.sameDestination) ? before! : asBuffer(reader.sized('record/destination', MAX_DOMAIN_BYTES)).toString('latin1');
  const locator = reader.bytes('record/locator', LOCATOR_BYTES);
  const expirySec = (reader.int('record/expiry') + Math.floor(sentSec / HOUR_SEC)) * HOUR_SEC;
  if (!Number.isSafeInteger(expirySec) || expirySec < 0) throw wrongValue('compact/record/expiry', start, String(expirySec), 'a time');
  const blobBytes = reader.uint('record/blob-bytes');
  return {
    destination,
    locator,
    expirySec,
    blobBytes,
    ...(!has(RECORD.whole) && { blobHash: reader.bytes('record/blob-hash', HASH_BYTES) }),
    retractCommitment: reader.bytes('record/retract-commitment', COMMITMENT_BYTES),
    ...(has(RECORD.accept) && { acceptCommitment: reader.bytes('record/accept-commitment', COMMITMENT_BYTES) }),
    ...(has(RECORD.notification) && { notification: reader.sized('record/notification', MAX_NOTIFICATION_BYTES) }),
  };
}

function readControl(reader: CompactReader, from: Uint8Array, sentSec: number): Uint8Array {
  const start = reader.offset;
  const tag = reader.byte('control');
  switch (tag) {
    case CONTROL.verbatim:
      return decodeControl(reader.sized('control', CONTROL_LIMITS.bytes), 'compact/control', start).bytes;
    case CONTROL.retract:
    case CONTROL.accept:
      return encodeOpening({ kind: tag === CONTROL.accept ? 'accept' : 'retract', locator: reader.bytes('control/locator', LOCATOR_BYTES), secret: reader.bytes('control/secret', OPENING_SECRET_BYTES) });
    case CONTROL.receipt:
    case CONTROL.receiptToOffer:
      return readReceipt(reader, from, sentSec, tag === CONTROL.receiptToOffer);
    default:
      throw wrongValue('compact/control', start, `form ${tag}`, 'a form of this version');
  }
}

function readReceipt(reader: CompactReader, gateway: Uint8Array, sentSec: number, hasNonce: boolean): Uint8Array {
  const start = reader.offset;
  const count = reader.uint('receipt/count', MAX_RECEIPT_RECORDS);
  if (count === 0) throw wrongValue('compact/receipt/count', start, '0', 'at least 1');
  const rids: Uint8Array[] = [];
  while (rids.length < count) rids.push(reader.bytes('receipt/rid', HASH_BYTES));
  const acceptedSec = sentSec + reader.int('receipt/accepted');
  const retainedUntilSec = acceptedSec + reader.int('receipt/retained-until');
  for (const sec of [acceptedSec, retainedUntilSec]) if (!Number.isSafeInteger(sec) || sec < 0) throw wrongValue('compact/receipt', start, String(sec), 'a time');
  const nonce = hasNonce ? { offerNonce: reader.bytes('receipt/nonce', OFFER_NONCE_BYTES) } : {};
  const signature = reader.bytes('receipt/signature', SIGNATURE_BYTES);
  return encodeReceipt({ gateway, taken: { form: 'rids', rids }, acceptedSec, retainedUntilSec, ...nonce }, () => signature);
}
