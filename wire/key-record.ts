/**
 * The key record (spec/keys.md): the two keys of one user, signed by the user, whose signature proves that the
 * key is theirs, and by the domain, which says that the user is. A new key is signed by the one before as well.
 */
import { equalBytes } from '../base/bytes.js';
import { MAX_ADDRESS_BYTES, parseAddress } from './address.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import { badSignature, wrongType, wrongValue } from './faults.js';
import { describe, readFields } from './fields.js';
import type { Fields } from './fields.js';
import { fingerprintBytes, KEY_ID_BYTES, keyId, signedBytes, verifySignature } from './keys.js';
import type { SigningKey } from './keys.js';
import { KEY_BYTES, SIGNATURE_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';

export type KeyStatus = 'current' | 'superseded' | 'revoked';

export interface KeyRecordFields {
  /** user@domain. */
  readonly address: string;
  /** X25519: content keys are sealed to it. */
  readonly kemKey: Uint8Array;
  /** Unix seconds, these three. */
  readonly createdSec: number;
  readonly notBeforeSec: number;
  readonly notAfterSec: number;
  readonly status: KeyStatus;
  /** The domain keeps a copy of the private keys. */
  readonly escrow: boolean;
  /** Tokens of 24 bytes, each to stand once in place of a recipient hash. */
  readonly tokens?: readonly Uint8Array[];
}

export interface KeyRecord extends KeyRecordFields {
  /** Ed25519: what the user writes is signed with it. */
  readonly signingKey: Uint8Array;
  /** The whole fingerprint of the key before this one, 32 bytes. */
  readonly previousFingerprint?: Uint8Array;
  /** Which of the domain's keys has signed. */
  readonly domainKid: Uint8Array;
  readonly domainSignature: Uint8Array;
  readonly previousSignature?: Uint8Array;
  readonly body: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface KeyRecordKeys {
  readonly user: SigningKey;
  readonly domain: SigningKey;
  /** The user's key before this one, where there was one. */
  readonly previous?: SigningKey;
}

/** All sign the same body: each key says its own part about it. */
export function makeKeyRecord(keys: KeyRecordKeys, fields: KeyRecordFields): KeyRecord {
  const body = encodeBody(keys, fields);
  const message = signedBytes(OBJECT_TYPE.keyRecord, body);
  const items = [body, keyId(keys.domain.publicKey), keys.domain.sign(message), keys.user.sign(message)];
  if (keys.previous !== undefined) items.push(keys.previous.sign(message));
  // Read back, so that nothing is made that a reader would refuse.
  return decodeKeyRecord(encodeCbor(items));
}

function encodeBody(keys: KeyRecordKeys, fields: KeyRecordFields): Uint8Array {
  const map = new Map<number, CborValue>([
    [0, OBJECT_TYPE.keyRecord],
    [1, fields.address],
    [2, keys.user.publicKey],
    [3, fields.kemKey],
    [4, fields.createdSec],
    [5, fields.notBeforeSec],
    [6, fields.notAfterSec],
    [7, STATUSES.indexOf(fields.status)],
    [8, SUITE],
  ]);
  if (keys.previous !== undefined) map.set(9, fingerprintBytes(keys.previous.publicKey));
  map.set(10, fields.escrow ? ESCROW : 0);
  if (fields.tokens !== undefined) map.set(11, fields.tokens);
  return encodeCbor(map);
}

/** A record that is read is signed by its user: WIRE_SIGNATURE for every other. What the domain says is a second question. */
export function decodeKeyRecord(bytes: Uint8Array, path = 'key-record'): KeyRecord {
  const { body, bodyOffset, domainKid, domainSignature, userSignature, previousSignature } = decodeItems(bytes, path);
  const fields = readFields(body, `${path}/body`, KEY_RECORD_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.keyRecord);
  const address = fields.text(1, 'address', MAX_ADDRESS_BYTES);
  if (parseAddress(address) === undefined) throw fields.wrong(1, 'address', 'other text', 'user@domain in lower case');
  const signingKey = fields.bytes(2, 'signing-key', KEY_BYTES);
  const kemKey = fields.bytes(3, 'kem-key', KEY_BYTES);
  const createdSec = fields.uint(4, 'created');
  const notBeforeSec = fields.uint(5, 'not-before');
  const notAfterSec = fields.uint(6, 'not-after');
  if (notAfterSec <= notBeforeSec) throw fields.wrong(6, 'not-after', String(notAfterSec), `a time after ${notBeforeSec}`);
  const status = STATUSES[fields.uint(7, 'status')];
  if (status === undefined) throw fields.wrong(7, 'status', 'another number', `${STATUSES.length - 1} at most`);
  const suite = fields.uint(8, 'suite');
  if (suite !== SUITE) throw fields.wrong(8, 'suite', String(suite), `suite ${SUITE}`);
  const previousFingerprint = fields.has(9) ? fields.bytes(9, 'previous', 32) : undefined;
  const flags = fields.uint(10, 'flags');
  if (flags > ESCROW) throw fields.wrong(10, 'flags', String(flags), `flags within ${ESCROW}`);
  const tokens = fields.has(11) ? fields.array(11, 'tokens', 0, MAX_TOKENS).map((token) => asToken(fields, token)) : undefined;
  fields.end();
  if (!verifySignature(signingKey, signedBytes(OBJECT_TYPE.keyRecord, body), userSignature)) throw badSignature(path);
  if ((previousFingerprint === undefined) !== (previousSignature === undefined)) throw badSignature(`${path}/previous-signature`);
  return {
    address,
    signingKey,
    kemKey,
    createdSec,
    notBeforeSec,
    notAfterSec,
    status,
    escrow: flags === ESCROW,
    ...(previousFingerprint !== undefined && { previousFingerprint }),
    ...(tokens !== undefined && { tokens }),
    domainKid,
    domainSignature,
    ...(previousSignature !== undefined && { previousSignature }),
    body,
    bytes,
  };
}

/** Does the domain with this signing key say that the key is this user's? */
export function verifyKeyRecord(record: KeyRecord, domainSigningKey: Uint8Array): boolean {
  return equalBytes(record.domainKid, keyId(domainSigningKey)) && verifySignature(domainSigningKey, signedBytes(OBJECT_TYPE.keyRecord, record.body), record.domainSignature);
}

/** Does the user's key before, the one that correspondents have pinned, say that this is the next? */
export function succeedsKey(record: KeyRecord, previousSigningKey: Uint8Array): boolean {
  if (record.previousFingerprint === undefined || record.previousSignature === undefined) return false;
  return (
    equalBytes(record.previousFingerprint, fingerprintBytes(previousSigningKey)) &&
    verifySignature(previousSigningKey, signedBytes(OBJECT_TYPE.keyRecord, record.body), record.previousSignature)
  );
}

const KEY_RECORD_LIMITS = { bytes: 8 * 1024 };
/** Their place in the list is their number. */
const STATUSES: readonly KeyStatus[] = ['current', 'superseded', 'revoked'];
/** Ed25519, and the HPKE suite of wire/hpke.ts. */
const SUITE = 1;
const ESCROW = 1;
/** What fits the record beside the rest. */
const MAX_TOKENS = 256;
const TOKEN_BYTES = 24;

interface Items {
  readonly body: Uint8Array;
  /** Where the body begins in what `path` names: for error data. */
  readonly bodyOffset: number;
  readonly domainKid: Uint8Array;
  readonly domainSignature: Uint8Array;
  readonly userSignature: Uint8Array;
  readonly previousSignature: Uint8Array | undefined;
}

function decodeItems(bytes: Uint8Array, path: string): Items {
  const items = decodeCbor(bytes, path, KEY_RECORD_LIMITS);
  if (!Array.isArray(items)) throw wrongType(path, 0, describe(items), 'an array');
  if (items.length < 4 || items.length > 5) throw wrongValue(path, 0, `${items.length} items`, '4 or 5');
  const [body, domainKid, domainSignature, userSignature, previousSignature] = items as readonly CborValue[];
  if (!(body instanceof Uint8Array)) throw wrongType(path, 0, 'another first item', 'the body as a byte string');
  return {
    body,
    bodyOffset: body.byteOffset - bytes.byteOffset,
    domainKid: asBytes(domainKid, KEY_ID_BYTES, `${path}/domain-key`),
    domainSignature: asBytes(domainSignature, SIGNATURE_BYTES, `${path}/domain-signature`),
    userSignature: asBytes(userSignature, SIGNATURE_BYTES, `${path}/user-signature`),
    previousSignature: previousSignature === undefined ? undefined : asBytes(previousSignature, SIGNATURE_BYTES, `${path}/previous-signature`),
  };
}

function asBytes(item: CborValue | undefined, length: number, path: string): Uint8Array {
  if (item instanceof Uint8Array && item.length === length) return item;
  throw wrongValue(path, 0, 'something else', `a byte string of ${length} bytes`);
}

function asToken(fields: Fields, token: CborValue): Uint8Array {
  if (token instanceof Uint8Array && token.length === TOKEN_BYTES) return token;
  throw fields.wrong(11, 'tokens', 'something else', `byte strings of ${TOKEN_BYTES} bytes`);
}
