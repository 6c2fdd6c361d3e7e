/**
 * The door to node:crypto for everything that needs no randomness: bulk hashing, Ed25519, X25519,
 * ChaCha20-Poly1305. Keys cross this door as raw bytes (RFC 8032, RFC 7748), never as DER or JWK.
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
  return privateKeyOf(PKCS8_ED25519, seed);
}

export function ed25519Sign(key: PrivateKey, message: Uint8Array): Uint8Array {
  return plainBytes(sign(null, message, key.handle));
}

/**
 * Accepts exactly what OpenSSL accepts: canonical S, cofactorless equation, any encoding of a point.
 * A key that is no point verifies nothing.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, verificationKeys.of(publicKey), signature);
}

/** The X25519 key whose private scalar, before clamping, is the seed (RFC 7748 §5). */
export function x25519FromSeed(seed: Uint8Array): PrivateKey {
  return privateKeyOf(PKCS8_X25519, seed);
}

/** The shared secret; undefined where it would be all zero, as with a public key of small order (RFC 7748 §6.1). */
export function x25519(key: PrivateKey, publicKey: Uint8Array): Uint8Array | undefined {
  const peer = agreementKeys.of(publicKey);
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

/** ChaCha20-Poly1305 (RFC 8439) of a whole message, without associated data. */
export function chachaSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): SealedChunk {
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  const ciphertext = plainBytes(cipher.update(plaintext));
  cipher.final();
  return { ciphertext, tag: plainBytes(cipher.getAuthTag()) };
}

/** The plaintext of ciphertext || tag, or undefined where the tag does not hold. */
export function chachaOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < AEAD_TAG_BYTES) return undefined;
  const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
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

/** RFC 8410 §7 and §4: what stands before the raw 32 bytes in PKCS #8 and in SubjectPublicKeyInfo. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');

function privateKeyOf(prefix: Uint8Array, seed: Uint8Array): PrivateKey {
  assert.equal(seed.length, KEY_BYTES, 'a private key is made from 32 bytes');
  const handle = createPrivateKey({ key: asBuffer(concatBytes(prefix, seed)), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(handle).export({ format: 'der', type: 'spki' });
  return { publicKey: plainBytes(spki.subarray(spki.length - KEY_BYTES)), handle };
}

/**
 * Reading a public key costs OpenSSL about as much as using it, so the last used ones stay read.
 * Bounded, because the keys are chosen by whoever talks to us.
 */
class PublicKeys {
  readonly #prefix: Uint8Array;
  readonly #byKey = new Map<string, KeyObject>();

  constructor(prefix: Uint8Array) {
    this.#prefix = prefix;
  }

  of(publicKey: Uint8Array): KeyObject {
    assert.equal(publicKey.length, KEY_BYTES, 'a public key has 32 bytes');
    const name = asBuffer(publicKey).toString('latin1');
    const known = this.#byKey.get(name);
    // A Map iterates in order of insertion: put back last, the least recently used stands first.
    if (known !== undefined) this.#byKey.delete(name);
    const handle = known ?? createPublicKey({ key: asBuffer(concatBytes(this.#prefix, publicKey)), format: 'der', type: 'spki' });
    this.#byKey.set(name, handle);
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined && this.#byKey.size > PUBLIC_KEYS_KEPT) this.#byKey.delete(oldest);
    return handle;
  }
}

/** A gateway talks to dozens of peers, a small domain to hundreds of correspondents. */
const PUBLIC_KEYS_KEPT = 512;
const verificationKeys = new PublicKeys(SPKI_ED25519);
const agreementKeys = new PublicKeys(SPKI_X25519);
