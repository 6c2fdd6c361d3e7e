/**
 * The door to node:crypto for everything that needs no randomness: bulk hashing, Ed25519, X25519,
 * ChaCha20-Poly1305. Keys cross this door as 32 raw bytes (RFC 8032, RFC 7748).
 */
import assert from 'node:assert';
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { asBuffer, concatBytes, plainBytes } from '../base/bytes.js';

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const AEAD_NONCE_BYTES = 12;
export const AEAD_TAG_BYTES = 16;

/** SHA-256 of bytes that are all here: one call, no stream object. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', bytes, 'buffer'));
}

/** SHA-512, which Ed25519 makes its private scalar with (RFC 8032 §5.1.5). */
export function sha512Of(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sha512', bytes, 'buffer'));
}

/**
 * SHA-256 of bytes that are all here, as text of the characters 0 to 255: a byte array made for each small blob that is
 * stored would cost as much as its hash.
 */
export function sha256Latin1(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary');
}

/** Whether `digest` is the SHA-256 of bytes that are all here. */
export function isSha256Of(digest: Uint8Array, bytes: Uint8Array): boolean {
  return sha256Latin1(bytes) === asBuffer(digest).toString('latin1');
}

export interface Sha256Stream {
  update(bytes: Uint8Array): void;
  /** The hash of everything so far. Ends the stream: call it once. */
  digest(): Uint8Array;
}

/** SHA-256 of bytes that come in pieces. */
export function sha256Stream(): Sha256Stream {
  const state = createHash('sha256');
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => plainBytes(state.digest()),
  };
}

/** HMAC-SHA256 (RFC 2104) over the parts, one after another. */
export function hmacSha256Of(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHmac('sha256', key);
  for (const part of parts) state.update(part);
  return plainBytes(state.digest());
}

/** Equality that takes the same time wherever the bytes differ. The lengths are public. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A private key inside OpenSSL, beside its public half. */
export interface PrivateKey {
  readonly publicKey: Uint8Array;
  readonly handle: KeyObject;
}

/** The Ed25519 key of a 32-byte seed (RFC 8032 §5.1.5). */
export function ed25519FromSeed(seed: Uint8Array): PrivateKey {
  return privateKeyOf('Ed25519', seed);
}

export function ed25519Sign(key: PrivateKey, message: Uint8Array): Uint8Array {
  return plainBytes(sign(null, message, key.handle));
}

/**
 * Accepts exactly what OpenSSL accepts: canonical S, cofactorless equation, any encoding of a point.
 * A key that is no point verifies nothing.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, verificationKeyOf(publicKey), signature);
}

/** The X25519 key whose private scalar, before clamping, is the seed (RFC 7748 §5). */
export function x25519FromSeed(seed: Uint8Array): PrivateKey {
  return privateKeyOf('X25519', seed);
}

/** The shared secret; undefined where it would be all zero, as with a public key of small order (RFC 7748 §6.1). */
export function x25519(key: PrivateKey, publicKey: Uint8Array): Uint8Array | undefined {
  const peer = publicKeyOf('X25519', publicKey);
  let secret: Uint8Array;
  try {
    secret = plainBytes(diffieHellman({ privateKey: key.handle, publicKey: peer }));
  } catch {
    // OpenSSL's only reason to fail with two good handles is the all-zero secret.
    return undefined;
  }
  return equalSecrets(secret, ALL_ZERO) ? undefined : secret;
}

/** A sealed chunk in two pieces, so that nobody has to copy the long one to append the short one. */
export interface SealedChunk {
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** ChaCha20-Poly1305 (RFC 8439) of a whole message. The formats bind what belongs to it through key and nonce, and give no associated data. */
export function chachaSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated?: Uint8Array): SealedChunk {
  assert.equal(nonce.length, AEAD_NONCE_BYTES, 'OpenSSL would fill a shorter nonce up');
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  if (associated !== undefined) cipher.setAAD(associated, { plaintextLength: plaintext.length });
  const ciphertext = plainBytes(cipher.update(plaintext));
  cipher.final();
  return { ciphertext, tag: plainBytes(cipher.getAuthTag()) };
}

/** The plaintext of ciphertext || tag, or undefined where the tag does not hold. */
export function chachaOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated?: Uint8Array): Uint8Array | undefined {
  assert.equal(nonce.length, AEAD_NONCE_BYTES, 'OpenSSL would fill a shorter nonce up');
  if (sealed.length < AEAD_TAG_BYTES) return undefined;
  const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  if (associated !== undefined) decipher.setAAD(associated, { plaintextLength: sealed.length - AEAD_TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(sealed.length - AEAD_TAG_BYTES));
  const plaintext = plainBytes(decipher.update(sealed.subarray(0, sealed.length - AEAD_TAG_BYTES)));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: AEAD_TAG_BYTES };
const ALL_ZERO = new Uint8Array(KEY_BYTES);

function privateKeyOf(curve: Curve, seed: Uint8Array): PrivateKey {
  assert.equal(seed.length, KEY_BYTES, 'a private key is made from 32 bytes');
  const handle = seedFromJwk(curve, seed) ?? seedFromPkcs8(curve, seed);
  const { x } = handle.export({ format: 'jwk' });
  return { publicKey: plainBytes(Buffer.from(x ?? '', 'base64url')), handle };
}

export type Curve = 'Ed25519' | 'X25519';

/**
 * A JWK without its public half, which Node works out: an ephemeral key for every seal makes this worth while,
 * since OpenSSL 3.0 takes ten times as long to read PKCS #8. Node 26 and later insist on the half that we do
 * not know yet; there it is undefined.
 */
export function seedFromJwk(curve: Curve, seed: Uint8Array): KeyObject | undefined {
  if (!seedsAsJwk) return undefined;
  try {
    return createPrivateKey({ key: { kty: 'OKP', crv: curve, d: asBuffer(seed).toString('base64url'), x: '' }, format: 'jwk' });
  } catch {
    seedsAsJwk = false;
    return undefined;
  }
}

let seedsAsJwk = true;

export function seedFromPkcs8(curve: Curve, seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: asBuffer(concatBytes(PKCS8_HEADS[curve], seed)), format: 'der', type: 'pkcs8' });
}

/** What stands before the seed in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEADS: Readonly<Record<Curve, Uint8Array>> = {
  Ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  X25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};

function publicKeyOf(curve: Curve, publicKey: Uint8Array): KeyObject {
  assert.equal(publicKey.length, KEY_BYTES, 'a public key has 32 bytes');
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x: asBuffer(publicKey).toString('base64url') }, format: 'jwk' });
}

/**
 * The keys that verified last stay read, which makes a verification a sixth cheaper: the same few peers sign
 * again and again. Bounded, because who talks to us chooses the keys.
 */
function verificationKeyOf(publicKey: Uint8Array): KeyObject {
  const name = asBuffer(publicKey).toString('latin1');
  const handle = verificationKeys.get(name) ?? publicKeyOf('Ed25519', publicKey);
  // A Map keeps the order of insertion: put back last, the least recently used stands first.
  verificationKeys.delete(name);
  verificationKeys.set(name, handle);
  const [oldest] = verificationKeys.keys();
  if (oldest !== undefined && verificationKeys.size > VERIFICATION_KEYS_KEPT) verificationKeys.delete(oldest);
  return handle;
}

const verificationKeys = new Map<string, KeyObject>();
/** A gateway talks to dozens of peers, a small domain to hundreds of correspondents. */
const VERIFICATION_KEYS_KEPT = 512;
