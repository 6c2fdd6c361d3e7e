/**
 * The layout of a payload's ciphertext (spec/payload.md): nonce || commitment || chunks. Known to the
 * side that seals and to the side that opens, and to whoever only counts bytes.
 */
import { asBuffer, utf8 } from '../base/bytes.js';
import { hkdfSha256 } from './digest.js';
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, KEY_BYTES } from './node-crypto.js';

export const CHUNK_BYTES = 64 * 1024;
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + AEAD_TAG_BYTES;
export const PAYLOAD_NONCE_BYTES = 16;
const KEY_COMMITMENT_BYTES = 32;
export const PAYLOAD_HEADER_BYTES = PAYLOAD_NONCE_BYTES + KEY_COMMITMENT_BYTES;

/** Bytes of ciphertext for so many bytes of plaintext, padding included. */
export function payloadBytesOf(plaintextBytes: number): number {
  const chunks = Math.max(1, Math.ceil(plaintextBytes / CHUNK_BYTES));
  return PAYLOAD_HEADER_BYTES + plaintextBytes + chunks * AEAD_TAG_BYTES;
}

/** The way back; undefined for a size no payload has. */
export function plaintextBytesOf(payloadBytes: number): number | undefined {
  const chunks = Math.max(1, Math.ceil((payloadBytes - PAYLOAD_HEADER_BYTES) / SEALED_CHUNK_BYTES));
  const plaintextBytes = payloadBytes - PAYLOAD_HEADER_BYTES - chunks * AEAD_TAG_BYTES;
  return plaintextBytes >= 0 && payloadBytesOf(plaintextBytes) === payloadBytes ? plaintextBytes : undefined;
}

export interface PayloadKeys {
  readonly chunkKey: Uint8Array;
  /**
   * Says which content key this payload was sealed with. ChaCha20-Poly1305 alone does not: a ciphertext
   * can be built that opens under two keys, to two texts (Dodis, Grubbs, Ristenpart, Woodage, CRYPTO 2018).
   */
  readonly commitment: Uint8Array;
}

export function payloadKeys(contentKey: Uint8Array, nonce: Uint8Array): PayloadKeys {
  return {
    chunkKey: hkdfSha256(contentKey, nonce, PAYLOAD_LABEL, KEY_BYTES),
    commitment: hkdfSha256(contentKey, nonce, COMMITMENT_LABEL, KEY_COMMITMENT_BYTES),
  };
}

const PAYLOAD_LABEL = utf8('payload/1');
const COMMITMENT_LABEL = utf8('commit/1');

/** STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) as in age: 11 bytes of counter, then 1 in the last chunk and 0 before. */
export function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(AEAD_NONCE_BYTES);
  asBuffer(nonce).writeUIntBE(index, AEAD_NONCE_BYTES - 1 - COUNTER_BYTES, COUNTER_BYTES);
  nonce[AEAD_NONCE_BYTES - 1] = last ? 1 : 0;
  return nonce;
}

/** The low 6 of the 11 bytes: what Node writes at once, and more chunks than a safe integer counts bytes. */
const COUNTER_BYTES = 6;

/**
 * Cuts a stream into chunks of one size and holds the newest back, because whether a chunk is the last
 * is part of how it is sealed. Copies only what crosses the border between two pushes.
 */
export class ChunkSplitter {
  readonly #held: Uint8Array;
  #heldBytes = 0;

  constructor(chunkBytes: number) {
    this.#held = new Uint8Array(chunkBytes);
  }

  /** Calls `use` for each chunk that is whole and not the last; what it is given is only lent. */
  push(bytes: Uint8Array, use: (chunk: Uint8Array) => void): void {
    const chunkBytes = this.#held.length;
    let offset = 0;
    while (this.#heldBytes + bytes.length - offset > chunkBytes) {
      if (this.#heldBytes === 0) {
        use(bytes.subarray(offset, offset + chunkBytes));
        offset += chunkBytes;
      } else {
        const end = offset + chunkBytes - this.#heldBytes;
        this.#held.set(bytes.subarray(offset, end), this.#heldBytes);
        this.#heldBytes = 0;
        use(this.#held);
        offset = end;
      }
    }
    this.#held.set(bytes.subarray(offset), this.#heldBytes);
    this.#heldBytes += bytes.length - offset;
  }

  /** The last chunk: shorter than the others, or not, or empty when nothing was ever pushed. */
  last(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes);
  }
}
