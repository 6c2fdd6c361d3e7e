/** SHA-256 and what is built on it, for the small hashing of the formats. Bulk data goes through wire/node-crypto.ts. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as sha256Hash } from '@noble/hashes/sha2.js';

export const HASH_BYTES = 32;

/** SHA-256 of the parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256Hash.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** RFC 2104 over the parts, one after the other. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = hmac.create(sha256Hash, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** RFC 5869, extract and expand. */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdf(sha256Hash, ikm, salt, info, length);
}
