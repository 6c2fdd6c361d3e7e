/**
 * Everything that seals (spec/sealing.md, spec/payload.md): HPKE for small objects, chunked
 * ChaCha20-Poly1305 for payloads. Entropy is handed in, so the same seed gives the same bytes: a seed
 * is used once.
 */
import assert from 'node:assert';
import { concatBytes } from '../base/bytes.js';
import type { Envelope } from './envelope.js';
import { badSeal } from './faults.js';
import { encapsulate, keySchedule } from './hpke.js';
import type { SigningKey } from './keys.js';
import { encodeInner, frameDatagram, makeOuter, padOuter } from './notification.js';
import type { InnerNotification, OuterFields } from './notification.js';
import { chachaSeal, sha256Stream } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { padmeBytes } from './padme.js';
import { CHUNK_BYTES, ChunkSplitter, chunkNonce, payloadBytesOf, payloadKeys } from './payload.js';
import { sealInfo } from './sealed.js';

/** enc || ciphertext || tag, for the holder of the KEM key alone. `seed` is 32 bytes of chance, for this seal only. */
export function sealTo(kemPublicKey: Uint8Array, info: Uint8Array, plaintext: Uint8Array, seed: Uint8Array): Uint8Array {
  const encapsulation = encapsulate(kemPublicKey, seed);
  if (encapsulation === undefined) throw badSeal('seal/key', 'a KEM key of small order, to which nothing stays sealed: its owner has to publish another');
  const { key, nonce } = keySchedule(encapsulation.sharedSecret, info);
  const { ciphertext, tag } = chachaSeal(key, nonce, plaintext);
  return concatBytes(encapsulation.enc, ciphertext, tag);
}

/** The content key of a payload, for one recipient. */
export function sealContentKey(kemPublicKey: Uint8Array, address: string, contentKey: Uint8Array, seed: Uint8Array): Uint8Array {
  return sealTo(kemPublicKey, sealInfo(OBJECT_TYPE.contentKey, address), contentKey, seed);
}

/** A signed envelope, for the domain it is addressed to. */
export function sealEnvelope(kemPublicKey: Uint8Array, envelope: Envelope, seed: Uint8Array): Uint8Array {
  return sealTo(kemPublicKey, sealInfo(OBJECT_TYPE.envelope, envelope.destination), envelope.bytes, seed);
}

/** What the sending client tells the destination domain, past everybody in between. */
export function sealInner(kemPublicKey: Uint8Array, destination: string, inner: InnerNotification, seed: Uint8Array): Uint8Array {
  return sealTo(kemPublicKey, sealInfo(OBJECT_TYPE.innerNotification, destination), encodeInner(inner), seed);
}

/**
 * The 512 bytes with which a holder knocks. A sealed inner notification or a holder's address that leaves no
 * room is refused: within MAX_SEALED_INNER_BYTES and MAX_BASE_URL_BYTES there is always room.
 */
export function sealNotifyDatagram(kemPublicKey: Uint8Array, key: SigningKey, fields: OuterFields, seed: Uint8Array): Uint8Array {
  const outer = makeOuter(key, fields);
  const info = sealInfo(OBJECT_TYPE.datagram, fields.destination);
  return frameDatagram(kemPublicKey, sealTo(kemPublicKey, info, padOuter(outer), seed));
}

/** What the envelope has to say of its payload. */
export type SealedPayload = Pick<Envelope, 'contentBytes' | 'payloadBytes' | 'payloadHash'>;

/**
 * Seals content of any length as it comes, in the memory of one chunk. What `push` and `finish` give is
 * the ciphertext, piece by piece and in order; a tag of 16 bytes is a piece of its own, so write all of a
 * push at once (writev).
 */
export class PayloadSealer {
  readonly #chunkKey: Uint8Array;
  readonly #padding: 'padme' | 'none';
  readonly #splitter = new ChunkSplitter(CHUNK_BYTES);
  readonly #hash = sha256Stream();
  #out: Uint8Array[] = [];
  #chunks = 0;
  #contentBytes = 0;
  #sealed: SealedPayload | undefined;

  /** `contentKey` is 32 bytes, `nonce` 16: chance, for this payload only. */
  constructor(contentKey: Uint8Array, nonce: Uint8Array, padding: 'padme' | 'none' = 'padme') {
    const { chunkKey, commitment } = payloadKeys(contentKey, nonce);
    this.#chunkKey = chunkKey;
    this.#padding = padding;
    this.#emit(nonce);
    this.#emit(commitment);
  }

  push(content: Uint8Array): Uint8Array[] {
    this.#contentBytes += content.length;
    return this.#push(content);
  }

  /** The rest, padding included, which may be much: take it piece by piece, and all of it. */
  *finish(): Generator<Uint8Array, void, undefined> {
    const paddedBytes = this.#padding === 'padme' ? padmeBytes(this.#contentBytes) : this.#contentBytes;
    for (let left = paddedBytes - this.#contentBytes; left > 0; left -= CHUNK_BYTES) {
      yield* this.#push(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
    }
    this.#sealChunk(this.#splitter.last(), true);
    yield* this.#take();
    this.#sealed = { contentBytes: this.#contentBytes, payloadBytes: payloadBytesOf(paddedBytes), payloadHash: this.#hash.digest() };
  }

  /** Known once `finish` has given everything. */
  get sealed(): SealedPayload {
    assert(this.#sealed !== undefined, 'the payload is sealed when all of finish() has been taken');
    return this.#sealed;
  }

  #push(plaintext: Uint8Array): Uint8Array[] {
    this.#splitter.push(plaintext, (chunk) => this.#sealChunk(chunk, false));
    return this.#take();
  }

  #sealChunk(plaintext: Uint8Array, last: boolean): void {
    const { ciphertext, tag } = chachaSeal(this.#chunkKey, chunkNonce(this.#chunks, last), plaintext);
    this.#chunks += 1;
    this.#emit(ciphertext);
    this.#emit(tag);
  }

  #emit(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.#out.push(piece);
  }

  #take(): Uint8Array[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

const ZEROS = new Uint8Array(CHUNK_BYTES);
