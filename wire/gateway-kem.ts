/**
 * A gateway's KEM key is its signing key on the other form of the same curve (RFC 7748 §4.1), so that neighbours
 * that have paired can seal to each other and no second key has to be exchanged (docs/decisions/0070).
 */
import { badSeal } from './faults.js';
import { kemKeyFromSeed } from './keys.js';
import type { KemKey, SigningKey } from './keys.js';
import { KEY_BYTES, sha512Of } from './node-crypto.js';

/** The private half: the scalar that Ed25519 signs with (RFC 8032 §5.1.5) is an X25519 scalar. */
export function gatewayKemKey(key: SigningKey): KemKey {
  return kemKeyFromSeed(sha512Of(key.seed).slice(0, KEY_BYTES));
}

/** The public half: u = (1 + y) / (1 - y). A key that is no number below 2^255 - 19, or that is 1, has none. */
export function gatewayKemPublicKey(signingPublicKey: Uint8Array): Uint8Array {
  const y = littleEndian(signingPublicKey) & Y_MASK;
  if (y >= P || y === 1n) throw badSeal('seal/key', 'a signing key that is no point of the curve');
  const u = ((1n + y) * inverse(P + 1n - y)) % P;
  return Uint8Array.from({ length: KEY_BYTES }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
}

const P = (1n << 255n) - 19n;
/** The highest bit says which of two points it is; both have the same u. */
const Y_MASK = (1n << 255n) - 1n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** By Fermat: x^(p-2). The keys are public, so the time it takes tells nothing. */
function inverse(x: bigint): bigint {
  let result = 1n;
  let power = x % P;
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * power) % P;
    power = (power * power) % P;
  }
  return result;
}
