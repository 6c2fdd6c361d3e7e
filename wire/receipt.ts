/**
 * Receipts: the signed answer that moves custody (spec/receipt.md). Either it lists the rids taken, or it names
 * a batch by its root and says by one bit a record which of them.
 */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { HASH_BYTES } from './digest.js';
import { wrongType, wrongValue } from './faults.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { KEY_ID_BYTES, keyId, signedBytes } from './keys.js';
import type { SigningKey } from './keys.js';
import { OBJECT_TYPE } from './object-types.js';
import { OFFER_NONCE_BYTES } from './offer.js';
import { decodeSigned, verifySigned } from './signed.js';

/** Which records were taken. `bitmap` absent: all of them. Bit i counts from the highest bit of byte 0. */
export type Taken =
  | { readonly form: 'rids'; readonly rids: readonly Uint8Array[] }
  | { readonly form: 'batch'; readonly root: Uint8Array; readonly count: number; readonly bitmap?: Uint8Array };

export interface Receipt {
  readonly kind: 'receipt';
  /** kid8 of the gateway that took custody. */
  readonly gateway: Uint8Array;
  readonly taken: Taken;
  readonly acceptedSec: number;
  readonly retainedUntilSec: number;
  /** 16 bytes: the nonce of the offer that is answered. */
  readonly offerNonce?: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A receipt can name every record of the largest batch. */
export const MAX_RECEIPT_RECORDS = 4096;
/** As many rids of 34 bytes, and their frame. */
export const RECEIPT_LIMITS = { bytes: 144 * 1024, items: 4200 };

export type ReceiptFields = Pick<Receipt, 'taken' | 'acceptedSec' | 'retainedUntilSec' | 'offerNonce'>;

export function makeReceipt(key: SigningKey, fields: ReceiptFields): Receipt {
  return decodeReceipt(encodeReceipt({ ...fields, gateway: keyId(key.publicKey) }, (body) => key.sign(signedBytes(OBJECT_TYPE.receipt, body))));
}

/** @param sign gives the signature of a body */
export function encodeReceipt(fields: ReceiptFields & Pick<Receipt, 'gateway'>, sign: (body: Uint8Array) => Uint8Array): Uint8Array {
  const { taken } = fields;
  const map = new Map<number, CborValue>([
    [0, OBJECT_TYPE.receipt],
    [1, fields.gateway],
  ]);
  if (taken.form === 'rids') map.set(2, taken.rids);
  else map.set(3, taken.root).set(4, taken.count);
  map.set(5, fields.acceptedSec).set(6, fields.retainedUntilSec);
  if (taken.form === 'batch' && taken.bitmap !== undefined) map.set(7, taken.bitmap);
  if (fields.offerNonce !== undefined) map.set(8, fields.offerNonce);
  const body = encodeCbor(map);
  return encodeCbor([body, sign(body)]);
}

/** The signature is not checked here: see verifyReceipt. */
export function decodeReceipt(bytes: Uint8Array, path = 'receipt', offset = 0): Receipt {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, RECEIPT_LIMITS, offset);
  const fields = readFields(body, `${path}/body`, RECEIPT_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.receipt);
  const receipt: Receipt = {
    kind: 'receipt',
    gateway: fields.bytes(1, 'gateway', KEY_ID_BYTES),
    taken: fields.has(2) ? readRids(fields, `${path}/body/rids`, bodyOffset) : readBatch(fields),
    acceptedSec: fields.uint(5, 'accepted'),
    retainedUntilSec: fields.uint(6, 'retained-until'),
    ...(fields.has(8) && { offerNonce: fields.bytes(8, 'offer-nonce', OFFER_NONCE_BYTES) }),
    body,
    signature,
    bytes,
  };
  fields.end();
  return receipt;
}

export function verifyReceipt(receipt: Receipt, publicKey: Uint8Array): boolean {
  return verifySigned(receipt, OBJECT_TYPE.receipt, publicKey);
}

/**
 * The rids that a receipt takes. @param offered the rids of the batch whose root the receipt names, in their order:
 * needed for that form. A receipt for another number of records takes none.
 */
export function takenRids(receipt: Receipt, offered: readonly Uint8Array[] = []): readonly Uint8Array[] {
  const { taken } = receipt;
  if (taken.form === 'rids') return taken.rids;
  if (taken.count !== offered.length) return [];
  const { bitmap } = taken;
  return bitmap === undefined ? offered : offered.filter((_, index) => hasBit(bitmap, index));
}

/** One bit a record, in the order of the batch. */
export function takenBitmap(flags: readonly boolean[]): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((flag, index) => {
    if (flag) bitmap[index >> 3]! |= 0x80 >> (index & 7);
  });
  return bitmap;
}

function hasBit(bitmap: Uint8Array, index: number): boolean {
  return (bitmap[index >> 3]! & (0x80 >> (index & 7))) !== 0;
}

function readRids(fields: Fields, path: string, offset: number): Taken {
  const rids: Uint8Array[] = [];
  for (const rid of fields.array(2, 'rids', 1, MAX_RECEIPT_RECORDS)) {
    if (!(rid instanceof Uint8Array)) throw wrongType(path, offset, 'another type', 'byte strings');
    if (rid.length !== HASH_BYTES) throw wrongValue(path, offset, `${rid.length} bytes`, `${HASH_BYTES} bytes`);
    rids.push(rid);
  }
  // The keys of the other form are left unread, so that fields.end() refuses them.
  return { form: 'rids', rids };
}

function readBatch(fields: Fields): Taken {
  const root = fields.bytes(3, 'root', HASH_BYTES);
  const count = fields.uint(4, 'count');
  if (count > MAX_RECEIPT_RECORDS) throw fields.wrong(4, 'count', String(count), `${MAX_RECEIPT_RECORDS} at most`);
  if (!fields.has(7)) return { form: 'batch', root, count };
  const bitmap = fields.bytes(7, 'bitmap', Math.ceil(count / 8));
  for (let index = count; index < bitmap.length * 8; index++) {
    if (hasBit(bitmap, index)) throw fields.wrong(7, 'bitmap', `a bit for record ${index}`, `bits for ${count} records`);
  }
  return { form: 'batch', root, count, bitmap };
}
