/**
 * The form of a sealed object (spec/sealing.md): HPKE's encapsulated key, ciphertext, tag. What it was
 * sealed as, and for whom, is bound to it without being in it.
 */
import { concatBytes, utf8 } from '../base/bytes.js';
import { contextOf } from './keys.js';
import { AEAD_TAG_BYTES, KEY_BYTES } from './node-crypto.js';

export const ENC_BYTES = KEY_BYTES;

/** How much longer a sealed object is than what is in it. */
export const SEALED_OVERHEAD_BYTES = ENC_BYTES + AEAD_TAG_BYTES;

/** The HPKE info: the kind of object, and the domain or the address it is sealed to. Opened as anything else, it does not open. */
export function sealInfo(type: number, name: string): Uint8Array {
  return concatBytes(contextOf(type), utf8(name));
}
