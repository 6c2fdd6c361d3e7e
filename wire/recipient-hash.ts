/**
 * Under what name a message for a recipient stands at the recipient's domain: a hash that only the two
 * correspondents need to compute (spec/keys.md). It is the same for all messages between the two, and
 * says nothing to who does not know both keys.
 */
import { concatBytes, utf8 } from '../base/bytes.js';
import { hkdfSha256 } from './digest.js';

export const RECIPIENT_HASH_BYTES = 24;

export function recipientHash(senderKemKey: Uint8Array, recipientKemKey: Uint8Array, recipientDomain: string): Uint8Array {
  return hkdfSha256(concatBytes(senderKemKey, recipientKemKey), NO_SALT, concatBytes(LABEL, utf8(recipientDomain)), RECIPIENT_HASH_BYTES);
}

const NO_SALT = new Uint8Array(0);
const LABEL = utf8('fmp/1 recipient-address');
