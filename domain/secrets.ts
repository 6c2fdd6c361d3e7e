/**
 * The secrets behind a message's two commitments. Both are derived from the domain's master secret and the
 * message id, so that a message can be retracted as long as its id is known, and nothing else has to be kept.
 */
import { utf8 } from '../base/bytes.js';
import { OPENING_SECRET_BYTES, locatorOf } from '../wire/capability.js';
import { hkdfSha256 } from '../wire/digest.js';
import type { Opening } from '../wire/opening.js';

const RETRACT_INFO = utf8('postern retract/1');
const ACCEPT_INFO = utf8('postern accept/1');

/** What takes the message back. */
export function retraction(masterSecret: Uint8Array, messageId: Uint8Array): Opening {
  return { kind: 'retract', locator: locatorOf(messageId), secret: hkdfSha256(masterSecret, messageId, RETRACT_INFO, OPENING_SECRET_BYTES) };
}

/** What the recipient finds in the envelope, and shows to whoever holds the message. */
export function acceptance(masterSecret: Uint8Array, messageId: Uint8Array): Opening {
  return { kind: 'accept', locator: locatorOf(messageId), secret: hkdfSha256(masterSecret, messageId, ACCEPT_INFO, OPENING_SECRET_BYTES) };
}
