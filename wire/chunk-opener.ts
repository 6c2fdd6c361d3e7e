/**
 * Opens the chunks of spec/payload.md as they come, in the memory of one chunk. It knows the content key it is
 * handed and nothing of how that came to be; what it gives is genuine, but the end is known only after `finish`.
 */
import { concatBytes } from '../base/bytes.js';
import { badSeal } from './faults.js';
import { chachaOpen, equalSecrets } from './node-crypto.js';
import { ChunkSplitter, chunkNonce, PAYLOAD_HEADER_BYTES, PAYLOAD_NONCE_BYTES, payloadKeys, SEALED_CHUNK_BYTES } from './payload.js';

export class ChunkOpener {
  readonly #contentKey: Uint8Array;
  readonly #path: string;
  readonly #use: (plaintext: Uint8Array) => void;
  readonly #splitter = new ChunkSplitter(SEALED_CHUNK_BYTES);
  #header: Uint8Array = new Uint8Array(0);
  #chunkKey: Uint8Array | undefined;
  #chunks = 0;

  /** @param use is given the plaintext of each chunk, in order */
  constructor(contentKey: Uint8Array, path: string, use: (plaintext: Uint8Array) => void) {
    this.#contentKey = contentKey;
    this.#path = path;
    this.#use = use;
  }

  push(ciphertext: Uint8Array): void {
    this.#splitter.push(this.#afterHeader(ciphertext), (chunk) => this.#openChunk(chunk, false));
  }

  finish(): void {
    this.#openChunk(this.#splitter.last(), true);
  }

  /** What follows the header; checks the header as soon as it is whole, and before any chunk. */
  #afterHeader(ciphertext: Uint8Array): Uint8Array {
    if (this.#chunkKey !== undefined) return ciphertext;
    const missing = PAYLOAD_HEADER_BYTES - this.#header.length;
    this.#header = concatBytes(this.#header, ciphertext.subarray(0, missing));
    if (this.#header.length < PAYLOAD_HEADER_BYTES) return ciphertext.subarray(0, 0);
    const { chunkKey, commitment } = payloadKeys(this.#contentKey, this.#header.subarray(0, PAYLOAD_NONCE_BYTES));
    if (!equalSecrets(commitment, this.#header.subarray(PAYLOAD_NONCE_BYTES))) throw badSeal(`${this.#path}/commitment`, 'sealed with another content key');
    this.#chunkKey = chunkKey;
    return ciphertext.subarray(missing);
  }

  #openChunk(sealed: Uint8Array, last: boolean): void {
    const plaintext = this.#chunkKey === undefined ? undefined : chachaOpen(this.#chunkKey, chunkNonce(this.#chunks, last), sealed);
    if (plaintext === undefined) throw badSeal(this.#path, `chunk ${this.#chunks} does not open: changed, out of order, or cut short`);
    if (plaintext.length === 0 && this.#chunks > 0) throw badSeal(this.#path, 'an empty chunk at its end');
    this.#chunks += 1;
    this.#use(plaintext);
  }
}
