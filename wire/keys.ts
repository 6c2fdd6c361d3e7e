/**
 * The two keys every party has: one that signs (Ed25519) and one that others seal to (X25519), and the
 * short names of a public key (spec/keys.md). A key is its 32-byte seed: that is what is kept on disk.
 */
import assert from 'node:assert';
import { concatBytes, toHex, utf8 } from '../base/bytes.js';
import { FINGERPRINT_WORDS } from './fingerprint-words.js';
import { ed25519FromSeed, ed25519Sign, ed25519Verify, sha256Of, SIGNATURE_BYTES, x25519, x25519FromSeed } from './node-crypto.js';

export interface SigningKey {
  readonly publicKey: Uint8Array;
  readonly seed: Uint8Array;
  /** 64 bytes over exactly `message`. */
  sign(message: Uint8Array): Uint8Array;
}

export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  const key = ed25519FromSeed(seed);
  return { publicKey: key.publicKey, seed, sign: (message) => ed25519Sign(key, message) };
}

export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && ed25519Verify(publicKey, message, signature);
}

export interface KemKey {
  readonly publicKey: Uint8Array;
  readonly seed: Uint8Array;
  /** The X25519 secret shared with the holder of `publicKey`; undefined where it would be all zero. */
  agree(publicKey: Uint8Array): Uint8Array | undefined;
}

export function kemKeyFromSeed(seed: Uint8Array): KemKey {
  const key = x25519FromSeed(seed);
  return { publicKey: key.publicKey, seed, agree: (publicKey) => x25519(key, publicKey) };
}

/** What a signature covers: the protocol and the kind of object, so that a body signed as one kind is never taken for another. */
export function signedBytes(type: number, body: Uint8Array): Uint8Array {
  return concatBytes(contextOf(type), body);
}

/** utf8("fmp/1") || type: opens everything signed and every HPKE info. */
export function contextOf(type: number): Uint8Array {
  return Uint8Array.of(...PROTOCOL, type);
}

const PROTOCOL = utf8('fmp/1');

/** kid8: the short name of a key inside objects, where its owner is known already. */
export function keyId(publicKey: Uint8Array): Uint8Array {
  return sha256Of(concatBytes(KEY_ID_LABEL, publicKey)).slice(0, KEY_ID_BYTES);
}

export const KEY_ID_BYTES = 8;
const KEY_ID_LABEL = utf8('kid/1');

/** All 32 bytes of a key's fingerprint; the forms for people show its beginning. */
export function fingerprintBytes(publicKey: Uint8Array): Uint8Array {
  return sha256Of(concatBytes(FINGERPRINT_LABEL, publicKey));
}

const FINGERPRINT_LABEL = utf8('fp/1');

/** For people to compare: 128 bits as eight groups of four hex digits. */
export function fingerprint(publicKey: Uint8Array): string {
  const digits = toHex(fingerprintBytes(publicKey).subarray(0, FINGERPRINT_SHOWN_BYTES));
  return digits.replace(/.{4}(?=.)/g, '$& ');
}

const FINGERPRINT_SHOWN_BYTES = 16;

/** For people to read out: the first 64 bits as eight words, one a byte. Enough against a key ground to match, and still sayable. */
export function fingerprintWords(publicKey: Uint8Array): string[] {
  return Array.from(fingerprintBytes(publicKey).subarray(0, FINGERPRINT_WORD_COUNT), (byte) => {
    const word = FINGERPRINT_WORDS[byte];
    assert(word !== undefined, 'there is a word for every byte');
    return word;
  });
}

const FINGERPRINT_WORD_COUNT = 8;
