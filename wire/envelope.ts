/**
 * The envelope (spec/envelope.md): all that a destination domain needs to know of one message and the
 * recipient needs to open and check its payload, signed by the sender. It travels sealed to the domain.
 */
import { equalBytes } from '../base/bytes.js';
import { MAX_ADDRESS_BYTES, parseAddress } from './address.js';
import { MESSAGE_ID_BYTES, messageIdOf, OPENING_SECRET_BYTES, SALT_BYTES } from './capability.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { isDomainName, MAX_DOMAIN_BYTES } from './domain-name.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { fingerprintBytes } from './keys.js';
import type { SigningKey } from './keys.js';
import { KEY_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { plaintextBytesOf } from './payload.js';
import { RECIPIENT_HASH_BYTES } from './recipient-hash.js';
import { SEALED_OVERHEAD_BYTES } from './sealed.js';
import { decodeSigned, encodeSigned, verifySigned } from './signed.js';

export interface EnvelopeFields {
  /** The domain it is addressed to. */
  readonly destination: string;
  readonly sender: string;
  /** 24 bytes: who in the domain it is for, to who can tell (wire/recipient-hash.ts). */
  readonly recipientHash: Uint8Array;
  /** 16 bytes of chance, without which the message id cannot be computed from the payload. */
  readonly salt: Uint8Array;
  /** As the sender says; a reader checks for itself. */
  readonly mimeType: string;
  /** Length of the payload's ciphertext. */
  readonly payloadBytes: number;
  /** SHA-256 of the payload's ciphertext. */
  readonly payloadHash: Uint8Array;
  /** Unix seconds. */
  readonly sentSec: number;
  /** Transit expiry, Unix seconds. */
  readonly expirySec: number;
  readonly flags: EnvelopeFlags;
  /** 80 bytes: the content key, sealed to the recipient. */
  readonly sealedContentKey: Uint8Array;
  /** 16 bytes: opens the record's accept commitment. */
  readonly acceptSecret: Uint8Array;
  /** 24 bytes: the id of the message that this one answers. */
  readonly threadParent?: Uint8Array;
  /** Where the payload is its own object: its id, and domains that may hold it. */
  readonly payloadRef?: PayloadRef;
  /** What the sender offers for being read, in thousandths of a msgcoin. */
  readonly offer?: number;
  /** A name to show, such as that of a file. Never one to trust as a path. */
  readonly name?: string;
  /** Length of the content: the payload's plaintext without padding. */
  readonly contentBytes: number;
}

export interface EnvelopeFlags {
  readonly retraction: boolean;
  readonly readReceiptRequested: boolean;
  readonly escrowDisclosed: boolean;
}

export interface PayloadRef {
  readonly id: Uint8Array;
  readonly domains: readonly string[];
}

export interface Envelope extends EnvelopeFields {
  /** The first 16 bytes of the fingerprint of the key that signed. */
  readonly senderKeyPrefix: Uint8Array;
  /** 24 bytes, from salt and payload hash: the capability to fetch. */
  readonly messageId: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

export function makeEnvelope(key: SigningKey, fields: EnvelopeFields): Envelope {
  const map = new Map<number, CborValue>([
    [1, fields.destination],
    [2, fields.sender],
    [3, keyPrefix(key.publicKey)],
    [4, fields.recipientHash],
    [5, messageIdOf(fields.salt, fields.payloadHash)],
    [6, fields.salt],
    [7, fields.mimeType],
    [8, fields.payloadBytes],
    [9, fields.payloadHash],
    [10, fields.sentSec],
    [11, fields.expirySec],
    [12, flagBits(fields.flags)],
    [13, fields.sealedContentKey],
    [14, fields.acceptSecret],
  ]);
  if (fields.threadParent !== undefined) map.set(15, fields.threadParent);
  if (fields.payloadRef !== undefined) map.set(16, [fields.payloadRef.id, ...fields.payloadRef.domains]);
  if (fields.offer !== undefined) map.set(17, fields.offer);
  if (fields.name !== undefined) map.set(18, fields.name);
  map.set(19, fields.contentBytes);
  // Read back, so that nothing is made that a reader would refuse.
  return decodeEnvelope(encodeSigned(key, OBJECT_TYPE.envelope, encodeCbor(map)));
}

/** Everything is checked but the signature: for that, the sender's key has to be known (verifyEnvelope). */
export function decodeEnvelope(bytes: Uint8Array, path = 'envelope'): Envelope {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, ENVELOPE_LIMITS);
  const fields = readFields(body, `${path}/body`, ENVELOPE_LIMITS, bodyOffset);
  const destination = fields.text(1, 'destination', MAX_DOMAIN_BYTES);
  if (!isDomainName(destination)) throw fields.wrong(1, 'destination', 'other text', 'a domain name of lower-case A-labels');
  const sender = fields.text(2, 'sender', MAX_ADDRESS_BYTES);
  if (parseAddress(sender) === undefined) throw fields.wrong(2, 'sender', 'other text', 'user@domain in lower case');
  const senderKeyPrefix = fields.bytes(3, 'sender-key', KEY_PREFIX_BYTES);
  const recipientHash = fields.bytes(4, 'recipient-hash', RECIPIENT_HASH_BYTES);
  const messageId = fields.bytes(5, 'message-id', MESSAGE_ID_BYTES);
  const salt = fields.bytes(6, 'salt', SALT_BYTES);
  const mimeType = fields.text(7, 'mime-type', MAX_MIME_TYPE_BYTES);
  if (!isMimeType(mimeType)) throw fields.wrong(7, 'mime-type', 'other text', 'type/subtype in printable ASCII');
  const payloadBytes = fields.uint(8, 'payload-bytes');
  const plaintextBytes = plaintextBytesOf(payloadBytes);
  if (plaintextBytes === undefined) throw fields.wrong(8, 'payload-bytes', String(payloadBytes), 'a size that a payload can have');
  const payloadHash = fields.bytes(9, 'payload-hash', 32);
  if (!equalBytes(messageId, messageIdOf(salt, payloadHash))) throw fields.wrong(5, 'message-id', 'another id', 'the id of this salt and payload');
  const sentSec = fields.uint(10, 'sent');
  const expirySec = fields.uint(11, 'expiry');
  const flags = decodeFlags(fields);
  const sealedContentKey = fields.bytes(13, 'content-key', SEALED_CONTENT_KEY_BYTES);
  const acceptSecret = fields.bytes(14, 'accept-secret', OPENING_SECRET_BYTES);
  const threadParent = fields.has(15) ? fields.bytes(15, 'thread-parent', MESSAGE_ID_BYTES) : undefined;
  const payloadRef = fields.has(16) ? decodePayloadRef(fields) : undefined;
  const offer = fields.has(17) ? fields.uint(17, 'offer') : undefined;
  const name = fields.has(18) ? fields.text(18, 'name', MAX_NAME_BYTES) : undefined;
  const contentBytes = fields.uint(19, 'content-bytes');
  if (contentBytes > plaintextBytes) throw fields.wrong(19, 'content-bytes', String(contentBytes), `${plaintextBytes} at most, by the payload's size`);
  fields.end();
  return {
    destination,
    sender,
    senderKeyPrefix,
    recipientHash,
    messageId,
    salt,
    mimeType,
    payloadBytes,
    payloadHash,
    sentSec,
    expirySec,
    flags,
    sealedContentKey,
    acceptSecret,
    ...(threadParent !== undefined && { threadParent }),
    ...(payloadRef !== undefined && { payloadRef }),
    ...(offer !== undefined && { offer }),
    ...(name !== undefined && { name }),
    contentBytes,
    body,
    signature,
    bytes,
  };
}

/** Is this the key that the envelope names, and has it signed? */
export function verifyEnvelope(envelope: Envelope, senderPublicKey: Uint8Array): boolean {
  return equalBytes(envelope.senderKeyPrefix, keyPrefix(senderPublicKey)) && verifySigned(envelope, OBJECT_TYPE.envelope, senderPublicKey);
}

/** What key 7 can hold. */
export function isMimeType(text: string): boolean {
  return text.length <= MAX_MIME_TYPE_BYTES && MIME_TYPE.test(text);
}

export const MAX_ENVELOPE_BYTES = 8 * 1024;
const ENVELOPE_LIMITS = { bytes: MAX_ENVELOPE_BYTES };
const KEY_PREFIX_BYTES = 16;
export const SEALED_CONTENT_KEY_BYTES = KEY_BYTES + SEALED_OVERHEAD_BYTES;
const MAX_MIME_TYPE_BYTES = 255;
/** A file name of the usual file systems, at most. */
const MAX_NAME_BYTES = 255;
const MAX_PAYLOAD_DOMAINS = 16;

/** RFC 6838 §4.2 names; what follows a semicolon is the reader's to parse. */
const MIME_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(?:;[\x20-\x7e]*)?$/;

const RETRACTION = 1;
const READ_RECEIPT_REQUESTED = 2;
const ESCROW_DISCLOSED = 4;
const ALL_FLAGS = RETRACTION | READ_RECEIPT_REQUESTED | ESCROW_DISCLOSED;

function flagBits(flags: EnvelopeFlags): number {
  return (flags.retraction ? RETRACTION : 0) | (flags.readReceiptRequested ? READ_RECEIPT_REQUESTED : 0) | (flags.escrowDisclosed ? ESCROW_DISCLOSED : 0);
}

/** A flag that is not known is refused: it may change what the message is. What may be ignored comes as an ignorable key. */
function decodeFlags(fields: Fields): EnvelopeFlags {
  const bits = fields.uint(12, 'flags');
  if (bits > ALL_FLAGS) throw fields.wrong(12, 'flags', String(bits), `flags within ${ALL_FLAGS}`);
  return {
    retraction: (bits & RETRACTION) !== 0,
    readReceiptRequested: (bits & READ_RECEIPT_REQUESTED) !== 0,
    escrowDisclosed: (bits & ESCROW_DISCLOSED) !== 0,
  };
}

function decodePayloadRef(fields: Fields): PayloadRef {
  const [id, ...domains] = fields.array(16, 'payload-ref', 1, 1 + MAX_PAYLOAD_DOMAINS);
  if (!(id instanceof Uint8Array) || id.length !== MESSAGE_ID_BYTES) throw fields.wrong(16, 'payload-ref', 'something else', `an id of ${MESSAGE_ID_BYTES} bytes first`);
  return { id, domains: domains.map((domain) => asDomain(fields, domain)) };
}

function asDomain(fields: Fields, domain: CborValue): string {
  if (typeof domain === 'string' && isDomainName(domain)) return domain;
  throw fields.wrong(16, 'payload-ref', 'something else', 'domain names after the id');
}

function keyPrefix(publicKey: Uint8Array): Uint8Array {
  return fingerprintBytes(publicKey).subarray(0, KEY_PREFIX_BYTES);
}
