/**
 * The domain record (spec/keys.md): a domain's two keys and where it listens, signed with the first of them.
 * That signature says that the record is whole, not that the domain is who it says: for that there is DNS,
 * or a fingerprint compared by people.
 */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { isDomainName, MAX_DOMAIN_BYTES } from './domain-name.js';
import { badSignature } from './faults.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import type { SigningKey } from './keys.js';
import { KEY_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { decodeSigned, encodeSigned, verifySigned } from './signed.js';

export interface DomainRecordFields {
  readonly domain: string;
  /** X25519: what is meant for the domain is sealed to it. */
  readonly kemKey: Uint8Array;
  /** Unix seconds. */
  readonly createdSec: number;
  /** Unix seconds; from then on nothing is sealed to this KEM key. */
  readonly notAfterSec: number;
  /** The domain keeps copies of its users' keys: a sender is told before sending. */
  readonly escrow: boolean;
  /** Where knocks are heard, the preferred first. */
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  /** A domain name or an address: IPv4, or IPv6 without brackets. */
  readonly host: string;
  readonly udpPort: number;
}

export interface DomainRecord extends DomainRecordFields {
  /** Ed25519: what the domain says is signed with it. */
  readonly signingKey: Uint8Array;
  readonly bytes: Uint8Array;
}

export function makeDomainRecord(key: SigningKey, fields: DomainRecordFields): DomainRecord {
  const map = new Map<number, CborValue>([
    [0, OBJECT_TYPE.domainRecord],
    [1, fields.domain],
    [2, key.publicKey],
    [3, fields.kemKey],
    [4, fields.createdSec],
    [5, fields.notAfterSec],
    [6, fields.escrow],
    [7, fields.endpoints.map(({ host, udpPort }) => [host, udpPort])],
  ]);
  // Read back, so that nothing is made that a reader would refuse.
  return decodeDomainRecord(encodeSigned(key, OBJECT_TYPE.domainRecord, encodeCbor(map)));
}

/** A record that is read is signed: WIRE_SIGNATURE for every other. */
export function decodeDomainRecord(bytes: Uint8Array, path = 'domain-record'): DomainRecord {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, DOMAIN_RECORD_LIMITS);
  const fields = readFields(body, `${path}/body`, DOMAIN_RECORD_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.domainRecord);
  const domain = fields.text(1, 'domain', MAX_DOMAIN_BYTES);
  if (!isDomainName(domain)) throw fields.wrong(1, 'domain', 'other text', 'a domain name of lower-case A-labels');
  const signingKey = fields.bytes(2, 'signing-key', KEY_BYTES);
  const kemKey = fields.bytes(3, 'kem-key', KEY_BYTES);
  const createdSec = fields.uint(4, 'created');
  const notAfterSec = fields.uint(5, 'not-after');
  if (notAfterSec <= createdSec) throw fields.wrong(5, 'not-after', String(notAfterSec), `a time after ${createdSec}`);
  const escrow = fields.bool(6, 'escrow');
  const endpoints = fields.array(7, 'endpoints', 0, MAX_ENDPOINTS).map((item) => decodeEndpoint(fields, item));
  fields.end();
  if (!verifySigned({ body, signature }, OBJECT_TYPE.domainRecord, signingKey)) throw badSignature(path);
  return { domain, signingKey, kemKey, createdSec, notAfterSec, escrow, endpoints, bytes };
}

const DOMAIN_RECORD_LIMITS = { bytes: 8 * 1024 };
/** A caller tries them in turn: more would make one domain a reason to knock at many doors. */
const MAX_ENDPOINTS = 8;
const HOST = /^[a-z0-9:.-]{1,253}$/;

function decodeEndpoint(fields: Fields, item: CborValue): Endpoint {
  const [host, udpPort] = Array.isArray(item) && item.length === 2 ? (item as readonly CborValue[]) : [];
  if (typeof host !== 'string' || !HOST.test(host)) throw fields.wrong(7, 'endpoints', 'something else', 'a host and a port');
  if (typeof udpPort !== 'number' || udpPort < 1 || udpPort > 0xffff) throw fields.wrong(7, 'endpoints', 'another port', '1 to 65535');
  return { host, udpPort };
}
