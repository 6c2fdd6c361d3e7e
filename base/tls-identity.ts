/**
 * Who a peer is on TLS: a self-signed certificate whose key is the peer's own Ed25519 signing key.
 * The other side compares that key with the 32 bytes it has pinned and looks at nothing else, so the
 * certificate is the least that RFC 5280 allows, and the same bytes every time it is made.
 */
import { strict as assert } from 'node:assert';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { asBuffer, concatBytes, fromBase64url, fromHex, utf8 } from './bytes.js';

export interface TlsIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** @param commonName for people who look at the certificate; nothing checks it. */
export async function makeTlsIdentity(seed: Uint8Array, commonName: string): Promise<TlsIdentity> {
  assert.equal(seed.length, 32, 'an Ed25519 seed has 32 bytes');
  const privateKey = createPrivateKey({ key: asBuffer(concatBytes(PKCS8_HEAD, seed)), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const toBeSigned = certificateBody(publicKey, commonName);
  const certificate = sequence(toBeSigned, ED25519, der(BIT_STRING, NO_UNUSED_BITS, sign(null, toBeSigned, privateKey)));
  return {
    certPem: pem('CERTIFICATE', certificate),
    keyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** The Ed25519 key of the certificate that the other side of `socket` proved; undefined when it showed none, or one of another kind. */
export function pinnedKeyOf(socket: TLSSocket): Uint8Array | undefined {
  const key = socket.getPeerX509Certificate()?.publicKey;
  if (key?.asymmetricKeyType !== 'ed25519') return undefined;
  const { x } = key.export({ format: 'jwk' });
  return x === undefined ? undefined : fromBase64url(x);
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const EXPLICIT_0 = 0xa0;

/** A common name holds at most 64 characters (RFC 5280 appendix A.1, ub-common-name). */
const COMMON_NAME_CHARACTERS = 64;
/** A serial number holds at most 20 octets (RFC 5280 §4.1.2.2). */
const SERIAL_BYTES = 16;

const NO_UNUSED_BITS = Uint8Array.of(0);
/** AlgorithmIdentifier of Ed25519, 1.3.101.112 (RFC 8410 §3). */
const ED25519 = constant('300506032b6570');
/** An Ed25519 private key in PKCS #8, up to the seed (RFC 8410 §7). */
const PKCS8_HEAD = constant('302e020100300506032b657004220420');
/** The object identifier of commonName, 2.5.4.3. */
const COMMON_NAME = constant('0603550403');

/** TBSCertificate, RFC 5280 §4.1, version 3, without extensions. */
function certificateBody(publicKey: Uint8Array, commonName: string): Uint8Array {
  const characters = Array.from(commonName).slice(0, COMMON_NAME_CHARACTERS).join('');
  const name = sequence(der(SET, sequence(COMMON_NAME, der(UTF8_STRING, utf8(characters)))));
  const serial = createHash('sha256').update(publicKey).digest().subarray(0, SERIAL_BYTES);
  // Positive and without a leading zero octet, whatever the hash.
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  // A gateway without a battery clock may think it is 1970: the certificate holds at any time (RFC 5280 §4.1.2.5).
  const validity = sequence(der(UTC_TIME, utf8('700101000000Z')), der(GENERALIZED_TIME, utf8('99991231235959Z')));
  return sequence(der(EXPLICIT_0, der(INTEGER, Uint8Array.of(2))), der(INTEGER, serial), ED25519, name, validity, name, publicKey);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(SEQUENCE, ...parts);
}

/** One DER element. Nothing here is longer than 65535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : length <= 0xff ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from(head), content);
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = asBuffer(bytes).toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function constant(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  assert(bytes !== undefined);
  return bytes;
}
