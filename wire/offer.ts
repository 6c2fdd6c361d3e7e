/** The offer: the signed head of every batch (spec/batch.md). It names the contents by one hash, so its signature covers them all. */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { HASH_BYTES } from './digest.js';
import { readFields } from './fields.js';
import { KEY_ID_BYTES, keyId, signedBytes } from './keys.js';
import type { SigningKey } from './keys.js';
import { OBJECT_TYPE } from './object-types.js';
import { decodeSigned, verifySigned } from './signed.js';

export interface Offer {
  /** kid8 of the offering peer, whose signature this is. */
  readonly from: Uint8Array;
  /** kid8 of the receiving peer. */
  readonly to: Uint8Array;
  /** Merkle root over the bytes of the records, then of the controls. */
  readonly root: Uint8Array;
  readonly recordCount: number;
  /** Sum of the blob lengths of the records. */
  readonly blobBytes: number;
  readonly sentSec: number;
  /** 16 bytes. */
  readonly nonce: Uint8Array;
  readonly controlCount: number;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

export const OFFER_NONCE_BYTES = 16;
export const OFFER_LIMITS = { bytes: 8 * 1024 };

export type OfferFields = Omit<Offer, 'from' | 'body' | 'signature' | 'bytes'>;

export function makeOffer(key: SigningKey, fields: OfferFields): Offer {
  return decodeOffer(encodeOffer({ ...fields, from: keyId(key.publicKey) }, (body) => key.sign(signedBytes(OBJECT_TYPE.offer, body))));
}

/** @param sign gives the signature of a body */
export function encodeOffer(fields: OfferFields & Pick<Offer, 'from'>, sign: (body: Uint8Array) => Uint8Array): Uint8Array {
  const body = encodeCbor(
    new Map<number, CborValue>([
      [0, OBJECT_TYPE.offer],
      [1, fields.from],
      [2, fields.to],
      [3, fields.root],
      [4, fields.recordCount],
      [5, fields.blobBytes],
      [6, fields.sentSec],
      [7, fields.nonce],
      [8, fields.controlCount],
    ]),
  );
  return encodeCbor([body, sign(body)]);
}

/** The signature is not checked here: see verifyOffer. */
export function decodeOffer(bytes: Uint8Array, path = 'offer', offset = 0): Offer {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, OFFER_LIMITS, offset);
  const fields = readFields(body, `${path}/body`, OFFER_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.offer);
  const offer: Offer = {
    from: fields.bytes(1, 'from', KEY_ID_BYTES),
    to: fields.bytes(2, 'to', KEY_ID_BYTES),
    root: fields.bytes(3, 'root', HASH_BYTES),
    recordCount: fields.uint(4, 'record-count'),
    blobBytes: fields.uint(5, 'blob-bytes'),
    sentSec: fields.uint(6, 'sent'),
    nonce: fields.bytes(7, 'nonce', OFFER_NONCE_BYTES),
    controlCount: fields.uint(8, 'control-count'),
    body,
    signature,
    bytes,
  };
  fields.end();
  return offer;
}

export function verifyOffer(offer: Offer, publicKey: Uint8Array): boolean {
  return verifySigned(offer, OBJECT_TYPE.offer, publicKey);
}
