/**
 * Ed25519 and X25519 as keyed hashes, for simulations: a signature still depends on the key and on every byte, two parties still agree
 * on a secret that is theirs, and all lengths are the same, for a hundredth of the time. There is nobody in a simulation who
 * forges; what the curves themselves are worth is tested in wire/. With the real ones the same happens at the same times.
 */
import crypto from 'node:crypto';
import { asBuffer, concatBytes, utf8 } from '../base/bytes.js';

/** What stands for a key inside OpenSSL. */
class QuickKey {
  readonly publicKey: Uint8Array;

  constructor(publicKey: Uint8Array) {
    this.publicKey = publicKey;
  }

  export(): { x: string } {
    return { x: asBuffer(this.publicKey).toString('base64url') };
  }
}

type Key = QuickKey | crypto.KeyObject;
interface JwkInput {
  readonly key: { readonly d?: string; readonly x: string };
  readonly format: 'jwk';
}
interface DerInput {
  readonly key: Uint8Array;
  readonly format: 'der';
}

const SEED_BYTES = 32;
const PUBLIC_LABEL = utf8('quick/public');
const SIGN_LABEL = utf8('quick/sign');
const AGREE_LABEL = utf8('quick/agree');

const { sign, verify, diffieHellman, hash } = crypto;

/** In place of the functions of node:crypto with these names. Real keys that were made before go on working. */
export const QUICK_CURVES: Readonly<Record<string, (...args: never[]) => unknown>> = {
  createPrivateKey: ({ key, format }: JwkInput | DerInput) => {
    const seed = format === 'jwk' ? Buffer.from(key.d ?? '', 'base64url') : asBuffer(key).subarray(-SEED_BYTES);
    return new QuickKey(hash('sha256', concatBytes(PUBLIC_LABEL, seed), 'buffer'));
  },
  createPublicKey: ({ key }: JwkInput) => new QuickKey(Buffer.from(key.x, 'base64url')),
  sign: (algorithm: null, message: Uint8Array, key: Key) => (key instanceof QuickKey ? signature(key, message) : sign(algorithm, message, key)),
  verify: (algorithm: null, message: Uint8Array, key: Key, given: Uint8Array) =>
    key instanceof QuickKey ? signature(key, message).equals(given) : verify(algorithm, message, key, given),
  diffieHellman: ({ privateKey, publicKey }: { readonly privateKey: Key; readonly publicKey: Key }) => {
    if (!(privateKey instanceof QuickKey)) return diffieHellman({ privateKey, publicKey: publicKey as crypto.KeyObject });
    const both = [privateKey.publicKey, (publicKey as QuickKey).publicKey].sort((a, b) => Buffer.compare(a, b));
    return hash('sha256', concatBytes(AGREE_LABEL, ...both), 'buffer');
  },
};

function signature(key: QuickKey, message: Uint8Array): Buffer {
  return hash('sha512', concatBytes(SIGN_LABEL, key.publicKey, message), 'buffer');
}
