/**
 * What is derived from a message id (spec/record.md). The id is the capability to fetch; a gateway gets to
 * see hashes of it only, and secrets only when they are spent.
 */
import { utf8 } from '../base/bytes.js';
import { sha256 } from './digest.js';

export const MESSAGE_ID_BYTES = 24;
export const SALT_BYTES = 16;
export const LOCATOR_BYTES = 24;
export const COMMITMENT_BYTES = 16;
export const OPENING_SECRET_BYTES = 16;

const MESSAGE_ID_LABEL = utf8('id/1');
const LOCATOR_LABEL = utf8('loc/1');
const RETRACT_LABEL = utf8('rt/1');
const ACCEPT_LABEL = utf8('at/1');

/** Not of the sender's choosing, and checkable by the recipient. @param salt 16 random bytes. */
export function messageIdOf(salt: Uint8Array, payloadHash: Uint8Array): Uint8Array {
  return sha256(MESSAGE_ID_LABEL, salt, payloadHash).slice(0, MESSAGE_ID_BYTES);
}

export function locatorOf(messageId: Uint8Array): Uint8Array {
  return sha256(LOCATOR_LABEL, messageId).slice(0, LOCATOR_BYTES);
}

export function retractCommitment(locator: Uint8Array, secret: Uint8Array): Uint8Array {
  return sha256(RETRACT_LABEL, locator, secret).slice(0, COMMITMENT_BYTES);
}

export function acceptCommitment(locator: Uint8Array, secret: Uint8Array): Uint8Array {
  return sha256(ACCEPT_LABEL, locator, secret).slice(0, COMMITMENT_BYTES);
}
