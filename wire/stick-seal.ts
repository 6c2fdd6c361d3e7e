/**
 * The seal of a file on a stick (spec/stick.md): to the gateway it is for, under a content key of its own. This is a
 * line between two gateways, as TLS is on a network: what is inside is a batch, which stays as sealed as ever.
 */
import { toHex } from '../base/bytes.js';
import { ChunkOpener } from './chunk-opener.js';
import { badSeal } from './faults.js';
import { gatewayKemKey, gatewayKemPublicKey } from './gateway-kem.js';
import { decapsulate, keySchedule } from './hpke.js';
import { keyId } from './keys.js';
import type { SigningKey } from './keys.js';
import { chachaOpen, KEY_BYTES } from './node-crypto.js';
import { OBJECT_TYPE } from './object-types.js';
import { PayloadSealer, sealTo } from './seal.js';
import { ENC_BYTES, SEALED_OVERHEAD_BYTES, sealInfo } from './sealed.js';

/** A sealed content key. */
export const STICK_KEY_BYTES = KEY_BYTES + SEALED_OVERHEAD_BYTES;

/** The content key for one gateway. `seed` is 32 bytes of chance, for this seal only. */
export function sealStickKey(gatewayPublicKey: Uint8Array, contentKey: Uint8Array, seed: Uint8Array): Uint8Array {
  return sealTo(gatewayKemPublicKey(gatewayPublicKey), infoFor(gatewayPublicKey), contentKey, seed);
}

/** The content key of a file for us; WIRE_SEAL for anything else. */
export function openStickKey(key: SigningKey, sealed: Uint8Array): Uint8Array {
  const sharedSecret = sealed.length === STICK_KEY_BYTES ? decapsulate(sealed.subarray(0, ENC_BYTES), gatewayKemKey(key)) : undefined;
  const message = sharedSecret === undefined ? undefined : keySchedule(sharedSecret, infoFor(key.publicKey));
  const contentKey = message === undefined ? undefined : chachaOpen(message.key, message.nonce, sealed.subarray(ENC_BYTES));
  if (contentKey === undefined) throw badSeal('stick/key', 'sealed to another gateway, or changed on the way');
  return contentKey;
}

/** Seals the content of a file as it comes. Nothing hides its length: the stick's own free space would tell it. */
export function stickSealer(contentKey: Uint8Array, nonce: Uint8Array): PayloadSealer {
  return new PayloadSealer(contentKey, nonce, 'none');
}

/** Opens it. What `use` is given is genuine; that it was all is known after `finish`. */
export function stickOpener(contentKey: Uint8Array, use: (content: Uint8Array) => void): ChunkOpener {
  return new ChunkOpener(contentKey, 'stick', use);
}

function infoFor(gatewayPublicKey: Uint8Array): Uint8Array {
  return sealInfo(OBJECT_TYPE.stickKey, toHex(keyId(gatewayPublicKey)));
}
