/**
 * The knock at a domain's door (spec/notification.md). The sending client seals the inner notification to
 * the destination domain; whoever holds the blob signs the outer one around it; both leave as one datagram
 * of always 512 bytes. This file knows the forms; sealing and opening them is in wire/seal.ts and wire/open.ts.
 */
import { concatBytes, utf8 } from '../base/bytes.js';
import { isBaseUrl, MAX_BASE_URL_BYTES } from './base-url.js';
import { MESSAGE_ID_BYTES } from './capability.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import { measureCborItem } from './cbor-walker.js';
import { trailing, truncated, wrongType } from './faults.js';
import { describe, Fields, readFields } from './fields.js';
import { KEY_ID_BYTES, keyId, signedBytes, verifySignature } from './keys.js';
import type { SigningKey } from './keys.js';
import { equalSecrets, hmacSha256Of, sha256Of, SIGNATURE_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { RECIPIENT_HASH_BYTES } from './recipient-hash.js';
import { SEALED_OVERHEAD_BYTES } from './sealed.js';

export interface InnerNotification {
  /** 24 bytes: under what name the message stands (wire/recipient-hash.ts). */
  readonly recipientHash: Uint8Array;
  /** 24 bytes: the capability to fetch. */
  readonly messageId: Uint8Array;
  /** Transit expiry, Unix seconds. */
  readonly expirySec: number;
  /** What the sender offers for being read, in thousandths of a msgcoin. */
  readonly offer?: number;
}

export function encodeInner(inner: InnerNotification): Uint8Array {
  const map = new Map<number, CborValue>([
    [1, inner.recipientHash],
    [2, inner.messageId],
    [3, inner.expirySec],
  ]);
  if (inner.offer !== undefined) map.set(4, inner.offer);
  return encodeCbor(map);
}

export function decodeInner(bytes: Uint8Array, path = 'notification/inner'): InnerNotification {
  const fields = readFields(bytes, path, { bytes: MAX_INNER_BYTES });
  const recipientHash = fields.bytes(1, 'recipient-hash', RECIPIENT_HASH_BYTES);
  const messageId = fields.bytes(2, 'message-id', MESSAGE_ID_BYTES);
  const expirySec = fields.uint(3, 'expiry');
  const offer = fields.has(4) ? fields.uint(4, 'offer') : undefined;
  fields.end();
  return { recipientHash, messageId, expirySec, ...(offer !== undefined && { offer }) };
}

export interface OuterFields {
  /** The domain knocked at. Not in the bytes: it is signed and sealed along, and its owner knows it. */
  readonly destination: string;
  /** Base URL of who holds the blob and answers the fetch. */
  readonly holder: string;
  /** When the knock was made, Unix seconds: an old one says nothing new. */
  readonly sentSec: number;
  readonly sealedInner: Uint8Array;
}

export interface OuterNotification extends OuterFields {
  /** Whose signature it bears: the 8-byte key id. */
  readonly holderKid: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
  readonly bytes: Uint8Array;
}

export function makeOuter(key: SigningKey, fields: OuterFields): OuterNotification {
  const map = new Map<number, CborValue>([
    [1, fields.holder],
    [2, fields.sentSec],
    [3, fields.sealedInner],
    [4, keyId(key.publicKey)],
  ]);
  map.set(SIGNATURE_KEY, key.sign(outerSignedBytes(fields.destination, map)));
  // Read back, so that nothing is made that a reader would refuse.
  return decodeOuter(encodeCbor(map), fields.destination);
}

export function decodeOuter(bytes: Uint8Array, destination: string, path = 'notification/outer'): OuterNotification {
  const map = decodeCbor(bytes, path, { bytes: DATAGRAM_PLAINTEXT_BYTES });
  if (!(map instanceof Map)) throw wrongType(path, 0, describe(map), 'a map');
  const fields = new Fields(map as ReadonlyMap<number | string, CborValue>, bytes, path, 0);
  const holder = fields.text(1, 'holder', MAX_BASE_URL_BYTES);
  if (!isBaseUrl(holder)) throw fields.wrong(1, 'holder', 'other text', 'https://host:port');
  const sentSec = fields.uint(2, 'sent');
  const sealedInner = fields.bytesWithin(3, 'inner', SEALED_OVERHEAD_BYTES, MAX_SEALED_INNER_BYTES);
  const holderKid = fields.bytes(4, 'holder-key', KEY_ID_BYTES);
  const signature = fields.bytes(SIGNATURE_KEY, 'signature', SIGNATURE_BYTES);
  fields.end();
  const signed = outerSignedBytes(destination, map as ReadonlyMap<number, CborValue>);
  return { destination, holder, sentSec, sealedInner, holderKid, signature, signed, bytes };
}

/** Has the holder of this key said so, to this destination? */
export function verifyOuter(outer: OuterNotification, holderPublicKey: Uint8Array): boolean {
  return verifySignature(holderPublicKey, outer.signed, outer.signature);
}

/** All keys but the signature's own, so that an ignorable extension is signed as well. A domain name holds no byte that a map begins with. */
function outerSignedBytes(destination: string, map: ReadonlyMap<number, CborValue>): Uint8Array {
  const unsigned = new Map(map);
  unsigned.delete(SIGNATURE_KEY);
  return signedBytes(OBJECT_TYPE.outerNotification, concatBytes(utf8(destination), encodeCbor(unsigned)));
}

const SIGNATURE_KEY = 5;

/**
 * type || kid8 || mac1 || sealed. All datagrams have one length, so that nobody can tell a first knock from a
 * fifth or one sender from another; 512 passes every network unfragmented.
 */
export const DATAGRAM_BYTES = 512;
const MAC_BYTES = 16;
export const DATAGRAM_HEAD_BYTES = 1 + KEY_ID_BYTES + MAC_BYTES;
const DATAGRAM_PLAINTEXT_BYTES = DATAGRAM_BYTES - DATAGRAM_HEAD_BYTES - SEALED_OVERHEAD_BYTES;

/** Of the outer notification beside its holder and its inner one: heads, key id, signature and a time of any size. */
const OUTER_OVERHEAD_BYTES = 94;
/** What the longest holder leaves: twice the length of an ordinary sealed inner notification. */
export const MAX_SEALED_INNER_BYTES = DATAGRAM_PLAINTEXT_BYTES - MAX_BASE_URL_BYTES - OUTER_OVERHEAD_BYTES;
const MAX_INNER_BYTES = MAX_SEALED_INNER_BYTES - SEALED_OVERHEAD_BYTES;

/** What is sealed into a datagram: the outer notification and zeros up to the one length. */
export function padOuter(outer: OuterNotification): Uint8Array {
  const padded = new Uint8Array(DATAGRAM_PLAINTEXT_BYTES);
  padded.set(outer.bytes);
  return padded;
}

export function decodePaddedOuter(padded: Uint8Array, destination: string, path = 'notification/outer'): OuterNotification {
  const end = measureCborItem(padded, 0, path);
  if (end === undefined) throw truncated(path, padded.length);
  for (let at = end; at < padded.length; at += 1) if (padded[at] !== 0) throw trailing(path, at);
  return decodeOuter(padded.subarray(0, end), destination, path);
}

/** Puts the head before what was sealed to this KEM key. */
export function frameDatagram(kemPublicKey: Uint8Array, sealed: Uint8Array): Uint8Array {
  return concatBytes(datagramHead(kemPublicKey, sealed), sealed);
}

/**
 * Does the datagram bear the mark of somebody who knows this KEM key? It costs two hashes of a line and one of
 * the datagram, a tenth of opening it, and sends away noise and scans before the curve is touched. It proves
 * nothing else: the key is public.
 */
export function datagramIsFor(kemPublicKey: Uint8Array, datagram: Uint8Array): boolean {
  if (datagram.length !== DATAGRAM_BYTES || datagram[0] !== OBJECT_TYPE.datagram) return false;
  const head = datagramHead(kemPublicKey, datagram.subarray(DATAGRAM_HEAD_BYTES));
  return equalSecrets(datagram.subarray(0, DATAGRAM_HEAD_BYTES), head);
}

function datagramHead(kemPublicKey: Uint8Array, sealed: Uint8Array): Uint8Array {
  const typeAndKid = concatBytes(Uint8Array.of(OBJECT_TYPE.datagram), keyId(kemPublicKey));
  const mac = hmacSha256Of(sha256Of(concatBytes(MAC_LABEL, kemPublicKey)), typeAndKid, sealed);
  return concatBytes(typeAndKid, mac.subarray(0, MAC_BYTES));
}

const MAC_LABEL = utf8('mac1/1');
