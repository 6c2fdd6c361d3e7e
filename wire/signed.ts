/**
 * The form of most signed objects: [body, signature]. The body travels as a byte string, so that what was
 * signed is what was received and never an encoding made again.
 */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import type { CborLimits } from './cbor-walker.js';
import { wrongType, wrongValue } from './faults.js';
import { describe } from './fields.js';
import { signedBytes, verifySignature } from './keys.js';
import type { SigningKey } from './keys.js';
import { SIGNATURE_BYTES } from './node-crypto.js';

export interface Signed {
  /** The encoded map. */
  readonly body: Uint8Array;
  /** Where the body begins in what `path` names: for error data. */
  readonly bodyOffset: number;
  readonly signature: Uint8Array;
}

export function encodeSigned(key: SigningKey, type: number, body: Uint8Array): Uint8Array {
  return encodeCbor([body, key.sign(signedBytes(type, body))]);
}

/** Parts the two; neither the body nor the signature has been looked at. */
export function decodeSigned(bytes: Uint8Array, path: string, limits?: Partial<CborLimits>, offset = 0): Signed {
  const value = decodeCbor(bytes, path, limits, offset);
  if (!Array.isArray(value)) throw wrongType(path, offset, describe(value), 'an array');
  if (value.length !== 2) throw wrongValue(path, offset, `${value.length} items`, 'a body and a signature');
  const [body, signature] = value as readonly CborValue[];
  if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw wrongType(path, offset, 'other items', 'two byte strings');
  const offsetOf = (view: Uint8Array): number => offset + view.byteOffset - bytes.byteOffset;
  if (signature.length !== SIGNATURE_BYTES) {
    throw wrongValue(`${path}/signature`, offsetOf(signature), `${signature.length} bytes`, `${SIGNATURE_BYTES} bytes`);
  }
  return { body, bodyOffset: offsetOf(body), signature };
}

export function verifySigned({ body, signature }: Pick<Signed, 'body' | 'signature'>, type: number, publicKey: Uint8Array): boolean {
  return verifySignature(publicKey, signedBytes(type, body), signature);
}
