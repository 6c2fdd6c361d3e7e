/** The parties of the vectors of signed and sealed objects (spec/keys.md): every seed is one byte, 32 times. */
import { kemKeyFromSeed, signingKeyFromSeed } from './keys.js';

export function filled(byte: number, bytes = 32): Uint8Array {
  return new Uint8Array(bytes).fill(byte);
}

export const GATEWAY = signingKeyFromSeed(filled(1));
export const ADA = signingKeyFromSeed(filled(3));
export const ADA_KEM = kemKeyFromSeed(filled(4));
export const BOB_KEM = kemKeyFromSeed(filled(5));
export const SOUTH = signingKeyFromSeed(filled(6));
export const SOUTH_KEM = kemKeyFromSeed(filled(7));
/** The key that Bob had before. */
export const BOB_BEFORE = signingKeyFromSeed(filled(8));
export const BOB = signingKeyFromSeed(filled(9));
export const CONTENT_KEY = filled(0x33);
