/**
 * HPKE (RFC 9180) in the one shape postern uses: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * ChaCha20-Poly1305, one message per encapsulation. Only wire/seal.ts and wire/open.ts call it.
 */
import { concatBytes, utf8 } from '../base/bytes.js';
import { kemKeyFromSeed } from './keys.js';
import type { KemKey } from './keys.js';
import { AEAD_NONCE_BYTES, hmacSha256Of, KEY_BYTES } from './node-crypto.js';

export interface Encapsulation {
  readonly sharedSecret: Uint8Array;
  /** The ephemeral public key, sent before the ciphertext. */
  readonly enc: Uint8Array;
}

/** RFC 9180 §4.1 Encap, the ephemeral key derived from `seed` (§7.1.3). Undefined for a recipient key of small order. */
export function encapsulate(recipientPublicKey: Uint8Array, seed: Uint8Array): Encapsulation | undefined {
  const ephemeral = kemKeyFromSeed(deriveEphemeralSeed(seed));
  const secret = ephemeral.agree(recipientPublicKey);
  if (secret === undefined) return undefined;
  return { sharedSecret: extractAndExpand(secret, ephemeral.publicKey, recipientPublicKey), enc: ephemeral.publicKey };
}

/** RFC 9180 §4.1 Decap. Undefined where `enc` is of small order. */
export function decapsulate(enc: Uint8Array, recipient: KemKey): Uint8Array | undefined {
  const secret = recipient.agree(enc);
  return secret === undefined ? undefined : extractAndExpand(secret, enc, recipient.publicKey);
}

export interface MessageKey {
  readonly key: Uint8Array;
  /** Sequence number 0 of the context: the first message is the only one. */
  readonly nonce: Uint8Array;
}

/** RFC 9180 §5.1 KeySchedule for mode_base. */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): MessageKey {
  const infoHash = labeledExtract(SUITE_ID, EMPTY, 'info_hash', info);
  const context = concatBytes(MODE_BASE, PSK_ID_HASH, infoHash);
  const secret = labeledExtract(SUITE_ID, sharedSecret, 'secret', EMPTY);
  return {
    key: labeledExpand(SUITE_ID, secret, 'key', context, KEY_BYTES),
    nonce: labeledExpand(SUITE_ID, secret, 'base_nonce', context, AEAD_NONCE_BYTES),
  };
}

const EMPTY = new Uint8Array(0);
const VERSION = utf8('HPKE-v1');
const MODE_BASE = Uint8Array.of(0);
/** KEM 0x0020, KDF 0x0001, AEAD 0x0003 (RFC 9180 §7). */
const KEM_SUITE_ID = concatBytes(utf8('KEM'), Uint8Array.of(0x00, 0x20));
const SUITE_ID = concatBytes(utf8('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const PSK_ID_HASH = labeledExtract(SUITE_ID, EMPTY, 'psk_id_hash', EMPTY);

function deriveEphemeralSeed(ikm: Uint8Array): Uint8Array {
  return labeledExpand(KEM_SUITE_ID, labeledExtract(KEM_SUITE_ID, EMPTY, 'dkp_prk', ikm), 'sk', EMPTY, KEY_BYTES);
}

function extractAndExpand(secret: Uint8Array, enc: Uint8Array, recipientPublicKey: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE_ID, EMPTY, 'eae_prk', secret);
  return labeledExpand(KEM_SUITE_ID, prk, 'shared_secret', concatBytes(enc, recipientPublicKey), KEY_BYTES);
}

function labeledExtract(suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hmacSha256Of(salt, VERSION, suiteId, utf8(label), ikm);
}

/** Every output of this suite fits the first block of HKDF-Expand (RFC 5869 §2.3), which is one HMAC. */
function labeledExpand(suiteId: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, lengthBytes: number): Uint8Array {
  const length = Uint8Array.of(0, lengthBytes);
  return hmacSha256Of(prk, length, VERSION, suiteId, utf8(label), info, FIRST_BLOCK).slice(0, lengthBytes);
}

const FIRST_BLOCK = Uint8Array.of(1);
