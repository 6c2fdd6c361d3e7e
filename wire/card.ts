/**
 * Cards (spec/card.md): what people exchange by hand so that two parties come to know each other's keys. A
 * domain's card holds its record and the records of users; a gateway's card says where it is. Each is signed
 * with the key it makes known, so it is whole; that it is the right one, people tell by the fingerprint.
 */
import { parseAddress } from './address.js';
import { isBaseUrl, MAX_BASE_URL_BYTES } from './base-url.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeDomainRecord } from './domain-record.js';
import type { DomainRecord } from './domain-record.js';
import { parseEid } from './eid.js';
import { badSignature } from './faults.js';
import { readFields } from './fields.js';
import { decodeKeyRecord, verifyKeyRecord } from './key-record.js';
import type { KeyRecord } from './key-record.js';
import type { SigningKey } from './keys.js';
import { KEY_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { decodeSigned, encodeSigned, verifySigned } from './signed.js';

export interface DomainCard {
  readonly kind: 'domain';
  readonly domain: DomainRecord;
  /** Of this domain, signed by it, each address once. */
  readonly users: readonly KeyRecord[];
  /** Unix seconds. */
  readonly createdSec: number;
  readonly bytes: Uint8Array;
}

export interface GatewayCard {
  readonly kind: 'gateway';
  /** What the gateway calls itself; whoever reads the card may call it something else. */
  readonly name: string;
  /** https://host:port */
  readonly url: string;
  /** Ed25519: of its certificate, its answers, its receipts and its knocks. */
  readonly key: Uint8Array;
  readonly createdSec: number;
  /** For neighbours that send bundles: the node id, and the port for TCPCL at the host of `url`. */
  readonly nodeId?: string;
  readonly tcpclPort?: number;
  readonly bytes: Uint8Array;
}

export type Card = DomainCard | GatewayCard;

/** As long as any control object; about 150 users. */
export const CARD_LIMITS = { bytes: 64 * 1024 };
const MOST_USERS = 256;
const MAX_NAME_BYTES = 32;
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const MAX_NODE_ID_BYTES = 128;
const NODE_ID = /^(dtn:\/\/[A-Za-z0-9._-]+\/|ipn:[1-9][0-9]{0,9}\.0)$/;
const MAX_PORT = 65_535;

/** @param key the signing key that `domain` names. */
export function makeDomainCard(key: SigningKey, fields: Pick<DomainCard, 'domain' | 'users' | 'createdSec'>): DomainCard {
  const body = new Map<number, CborValue>([
    [0, OBJECT_TYPE.domainCard],
    [1, fields.domain.bytes],
    [2, fields.users.map((user) => user.bytes)],
    [3, fields.createdSec],
  ]);
  return decodeDomainCard(encodeSigned(key, OBJECT_TYPE.domainCard, encodeCbor(body)));
}

/** A card that is read is signed, and so is every record in it. */
export function decodeDomainCard(bytes: Uint8Array, path = 'domain-card'): DomainCard {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, CARD_LIMITS);
  const fields = readFields(body, `${path}/body`, CARD_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.domainCard);
  const domain = decodeDomainRecord(fields.bytesWithin(1, 'domain', 1, CARD_LIMITS.bytes), `${path}/domain`);
  const users = fields.array(2, 'users', 0, MOST_USERS).map((item, index) => {
    if (!(item instanceof Uint8Array)) throw fields.wrong(2, 'users', 'something else', 'key records as byte strings');
    const user = decodeKeyRecord(item, `${path}/users/${index}`);
    if (parseAddress(user.address)?.domain !== domain.domain) throw fields.wrong(2, 'users', user.address, `users of ${domain.domain}`);
    if (!verifyKeyRecord(user, domain.signingKey)) throw badSignature(`${path}/users/${index}`);
    return user;
  });
  if (new Set(users.map((user) => user.address)).size < users.length) throw fields.wrong(2, 'users', 'an address twice', 'each user once');
  const createdSec = fields.uint(3, 'created');
  fields.end();
  if (!verifySigned({ body, signature }, OBJECT_TYPE.domainCard, domain.signingKey)) throw badSignature(path);
  return { kind: 'domain', domain, users, createdSec, bytes };
}

export function makeGatewayCard(key: SigningKey, fields: Omit<GatewayCard, 'kind' | 'key' | 'bytes'>): GatewayCard {
  const body = new Map<number, CborValue>([
    [0, OBJECT_TYPE.gatewayCard],
    [1, fields.name],
    [2, fields.url],
    [3, key.publicKey],
    [4, fields.createdSec],
  ]);
  if (fields.nodeId !== undefined) body.set(5, fields.nodeId);
  if (fields.tcpclPort !== undefined) body.set(6, fields.tcpclPort);
  return decodeGatewayCard(encodeSigned(key, OBJECT_TYPE.gatewayCard, encodeCbor(body)));
}

/** A card that is read is signed. */
export function decodeGatewayCard(bytes: Uint8Array, path = 'gateway-card'): GatewayCard {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, CARD_LIMITS);
  const fields = readFields(body, `${path}/body`, CARD_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.gatewayCard);
  const name = fields.text(1, 'name', MAX_NAME_BYTES);
  if (!NAME.test(name)) throw fields.wrong(1, 'name', 'other text', 'lower-case letters, digits and hyphens');
  const url = fields.text(2, 'url', MAX_BASE_URL_BYTES);
  if (!isBaseUrl(url)) throw fields.wrong(2, 'url', 'other text', 'https://host:port');
  const key = fields.bytes(3, 'key', KEY_BYTES);
  const createdSec = fields.uint(4, 'created');
  const nodeId = fields.has(5) ? fields.text(5, 'node-id', MAX_NODE_ID_BYTES) : undefined;
  if (nodeId !== undefined && (!NODE_ID.test(nodeId) || parseEid(nodeId) === undefined)) throw fields.wrong(5, 'node-id', 'other text', 'dtn://NAME/ or ipn:N.0');
  const tcpclPort = fields.has(6) ? fields.uint(6, 'tcpcl-port') : undefined;
  if (tcpclPort !== undefined && (tcpclPort < 1 || tcpclPort > MAX_PORT)) throw fields.wrong(6, 'tcpcl-port', String(tcpclPort), `1 to ${MAX_PORT}`);
  fields.end();
  if (!verifySigned({ body, signature }, OBJECT_TYPE.gatewayCard, key)) throw badSignature(path);
  return { kind: 'gateway', name, url, key, createdSec, ...(nodeId !== undefined && { nodeId }), ...(tcpclPort !== undefined && { tcpclPort }), bytes };
}

const LABELS: Readonly<Record<Card['kind'], string>> = { domain: 'POSTERN DOMAIN CARD', gateway: 'POSTERN GATEWAY CARD' };
/** One run of characters, which no other part of the pattern could take instead: looking for it takes time in proportion to the text. */
const ARMOUR = /-----BEGIN (POSTERN DOMAIN CARD|POSTERN GATEWAY CARD)-----([A-Za-z0-9+/=\s]+)-----END \1-----/;
const LINE_CHARACTERS = 64;
/** Base64 of the longest card, its line ends, and some words around it. */
export const MAX_CARD_TEXT = 2 * CARD_LIMITS.bytes;

/** A card as text that survives mail and paste. */
export function formatCard(card: Card): string {
  const lines = Buffer.from(card.bytes).toString('base64').match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return [`-----BEGIN ${LABELS[card.kind]}-----`, ...lines, `-----END ${LABELS[card.kind]}-----`, ''].join('\n');
}

/** The first card in a text, whatever stands around it; undefined when there is none. A card that does not hold is a coded error. */
export function parseCard(text: string): Card | undefined {
  const [, label, content] = ARMOUR.exec(text.slice(0, MAX_CARD_TEXT)) ?? [];
  if (label === undefined || content === undefined) return undefined;
  const bytes = new Uint8Array(Buffer.from(content, 'base64'));
  return label === LABELS.domain ? decodeDomainCard(bytes) : decodeGatewayCard(bytes);
}
