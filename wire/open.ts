/**
 * Everything that opens, the counterpart of wire/seal.ts. Only domain/ may import this file: a gateway
 * carries what it cannot read. Why something did not open is for the caller's own log and for nobody
 * who sent it.
 */
import { equalBytes } from '../base/bytes.js';
import { ChunkOpener } from './chunk-opener.js';
import { decodeEnvelope, verifyEnvelope } from './envelope.js';
import type { Envelope } from './envelope.js';
import { badSeal, badSignature } from './faults.js';
import { decapsulate, keySchedule } from './hpke.js';
import type { KemKey } from './keys.js';
import { chachaOpen, sha256Stream } from './node-crypto.js';
import { DATAGRAM_HEAD_BYTES, datagramIsFor, decodeInner, decodePaddedOuter } from './notification.js';
import type { InnerNotification, OuterNotification } from './notification.js';
import { OBJECT_TYPE } from './object-types.js';
import { ENC_BYTES, SEALED_OVERHEAD_BYTES, sealInfo } from './sealed.js';

/** What was sealed to `key` under the same info; WIRE_SEAL for everything else, always the same. */
export function openSealed(key: KemKey, info: Uint8Array, sealed: Uint8Array, path: string): Uint8Array {
  const plaintext = tryOpen(key, info, sealed);
  if (plaintext === undefined) throw badSeal(path, 'sealed to another key or as something else, or changed on the way');
  return plaintext;
}

function tryOpen(key: KemKey, info: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEALED_OVERHEAD_BYTES) return undefined;
  const sharedSecret = decapsulate(sealed.subarray(0, ENC_BYTES), key);
  if (sharedSecret === undefined) return undefined;
  const message = keySchedule(sharedSecret, info);
  return chachaOpen(message.key, message.nonce, sealed.subarray(ENC_BYTES));
}

/** The content key of a payload, as its recipient. */
export function openContentKey(key: KemKey, address: string, sealed: Uint8Array): Uint8Array {
  return openSealed(key, sealInfo(OBJECT_TYPE.contentKey, address), sealed, 'content-key');
}

/** The sending client's word to the destination domain. Nobody has signed it. */
export function openInner(key: KemKey, destination: string, sealed: Uint8Array): InnerNotification {
  return decodeInner(openSealed(key, sealInfo(OBJECT_TYPE.innerNotification, destination), sealed, 'notification/inner'), 'notification/inner');
}

/**
 * A knock, opened but not yet believed: look the holder up by its `holderKid`, then verifyOuter.
 * A datagram that is not for this key costs one HMAC; the curve is touched only after that.
 */
export function openNotifyDatagram(key: KemKey, destination: string, datagram: Uint8Array): OuterNotification {
  if (!datagramIsFor(key.publicKey, datagram)) throw badSeal('datagram', 'not a notification for this key');
  const sealed = datagram.subarray(DATAGRAM_HEAD_BYTES);
  return decodePaddedOuter(openSealed(key, sealInfo(OBJECT_TYPE.datagram, destination), sealed, 'datagram'), destination);
}

/** An envelope that opened, whose author is not proven yet: who says to have written it, and the way to the rest. */
export interface OpenedEnvelope {
  readonly sender: string;
  readonly senderKeyPrefix: Uint8Array;
  /** The envelope, once the key pinned for this sender has signed it; WIRE_SIGNATURE otherwise. */
  verify(senderPublicKey: Uint8Array): Envelope;
}

export function openEnvelope(key: KemKey, destination: string, sealed: Uint8Array): OpenedEnvelope {
  const envelope = decodeEnvelope(openSealed(key, sealInfo(OBJECT_TYPE.envelope, destination), sealed, 'envelope'));
  if (envelope.destination !== destination) throw badSeal('envelope/destination', `addressed to ${envelope.destination}`);
  return {
    sender: envelope.sender,
    senderKeyPrefix: envelope.senderKeyPrefix,
    verify(senderPublicKey) {
      if (!verifyEnvelope(envelope, senderPublicKey)) throw badSignature('envelope');
      return envelope;
    },
  };
}

/** What the signed envelope says of its payload. */
export type PayloadClaims = Pick<Envelope, 'contentBytes' | 'payloadBytes' | 'payloadHash'>;

/**
 * Opens a payload as it comes, in the memory of one chunk. What `push` gives is genuine, but it is only
 * the beginning of the content until `finish` has returned.
 */
export class PayloadOpener {
  readonly #claims: PayloadClaims;
  readonly #chunks: ChunkOpener;
  readonly #hash = sha256Stream();
  #payloadBytes = 0;
  #contentLeft: number;
  #out: Uint8Array[] = [];

  constructor(contentKey: Uint8Array, claims: PayloadClaims) {
    this.#claims = claims;
    this.#chunks = new ChunkOpener(contentKey, 'payload', (plaintext) => this.#unpad(plaintext));
    this.#contentLeft = claims.contentBytes;
  }

  push(ciphertext: Uint8Array): Uint8Array[] {
    this.#payloadBytes += ciphertext.length;
    if (this.#payloadBytes > this.#claims.payloadBytes) throw badSeal('payload', 'longer than its envelope says');
    this.#hash.update(ciphertext);
    this.#chunks.push(ciphertext);
    return this.#take();
  }

  finish(): Uint8Array[] {
    if (this.#payloadBytes < this.#claims.payloadBytes) throw badSeal('payload', 'cut short');
    if (!equalBytes(this.#hash.digest(), this.#claims.payloadHash)) throw badSeal('payload', 'not the bytes that the sender signed');
    this.#chunks.finish();
    if (this.#contentLeft > 0) throw badSeal('payload', 'shorter than its envelope says');
    return this.#take();
  }

  #unpad(plaintext: Uint8Array): void {
    const contentBytes = Math.min(plaintext.length, this.#contentLeft);
    this.#contentLeft -= contentBytes;
    for (let at = contentBytes; at < plaintext.length; at += 1) if (plaintext[at] !== 0) throw badSeal('payload/padding', 'not all zero');
    if (contentBytes > 0) this.#out.push(plaintext.subarray(0, contentBytes));
  }

  #take(): Uint8Array[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
