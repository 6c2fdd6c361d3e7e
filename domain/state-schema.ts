/** What the items of a domain's folder hold (the folders are listed in home.ts). */
import { z } from 'zod';
import { hexBytes } from './hex-schema.js';

const format = z.literal(1);
const seconds = z.int().min(0);
const byteCount = z.int().min(0);

/** keys/domain.json. Retraction secrets are derived from the master secret, so none has to be kept per message. */
export const domainKeysSchema = z.strictObject({
  format,
  signingSeed: hexBytes(32),
  kemSeed: hexBytes(32),
  masterSecret: hexBytes(32),
  /** The signed domain record that says so in public. */
  record: hexBytes(),
});
export type DomainKeys = z.output<typeof domainKeysSchema>;

/** keys/user-NAME.json */
export const userKeysSchema = z.strictObject({
  format,
  signingSeed: hexBytes(32),
  kemSeed: hexBytes(32),
  record: hexBytes(),
});
export type UserKeys = z.output<typeof userKeysSchema>;

/** immediate: fetched when heard. on-request: noted, fetched when asked for. ignore: dropped without a trace. */
export const pullSchema = z.enum(['immediate', 'on-request', 'ignore']);
export type Pull = z.output<typeof pullSchema>;

/** correspondents/DOMAIN.json */
export const correspondentSchema = z.strictObject({
  format,
  /** The pinned domain record. */
  record: hexBytes(),
  /** By address: the pinned key record, and when to fetch what comes from there. */
  users: z.record(z.string(), z.strictObject({ record: hexBytes(), pull: pullSchema })),
  /** Cards with other keys than the pinned ones, oldest first. Until somebody acknowledges them, nothing is sent to whom they touch. */
  changedCards: z.array(hexBytes()),
});
export type CorrespondentState = z.output<typeof correspondentSchema>;

/** outgoing/COMMAND.N/message.json: what does not change while the message is on its way. */
export const outgoingSchema = z.strictObject({
  format,
  messageId: hexBytes(24),
  from: z.string(),
  to: z.string(),
  /** Key id of the recipient's signing key, which was pinned when the message was sealed. */
  toKeyId: hexBytes(8),
  name: z.string(),
  mediaType: z.string(),
  contentBytes: byteCount,
  sentSec: seconds,
  /** The transit record, as it is handed over. */
  record: hexBytes(),
});
export type OutgoingState = z.output<typeof outgoingSchema>;

/** outgoing/COMMAND.N/outcome.json: the first outcome is the only one. */
export const outcomeSchema = z.strictObject({
  format,
  outcome: z.enum(['accepted', 'retracted', 'expired']),
  atSec: seconds,
});
export type OutcomeState = z.output<typeof outcomeSchema>;

/** outgoing/COMMAND.N/trouble.json: why it has not been taken yet, for people. */
export const troubleSchema = z.strictObject({
  format,
  gateway: z.string(),
  code: z.string(),
  reason: z.string(),
  atSec: seconds,
  failures: z.int().min(1),
  nextSec: seconds,
});
export type TroubleState = z.output<typeof troubleSchema>;

/** Where a message can be fetched and its acceptance be told: a gateway whose knock was signed. */
export const holderSchema = z.strictObject({ url: z.string(), keyId: hexBytes(8) });
export type Holder = z.output<typeof holderSchema>;

/** pending/LOCATOR.json */
export const pendingSchema = z.strictObject({
  format,
  messageId: hexBytes(24),
  recipientHash: hexBytes(24),
  expirySec: seconds,
  holder: holderSchema,
  heardSec: seconds,
  failures: z.int().min(0),
  nextSec: seconds,
  /** Why it is still here. */
  problem: z.exactOptional(z.string()),
  /** The hash of a blob that was here and was not what it should be: it is not fetched again. */
  refusedBlob: z.exactOptional(hexBytes(32)),
});
export type PendingState = z.output<typeof pendingSchema>;

/** receiving/LOCATOR/blob.json: which blob the part beside it belongs to. */
export const partSchema = z.strictObject({ format, blobHash: hexBytes(32), blobBytes: byteCount });
export type PartState = z.output<typeof partSchema>;

/** inbox/LOCATOR/message.json */
export const inboxSchema = z.strictObject({
  format,
  messageId: hexBytes(24),
  from: z.string(),
  to: z.string(),
  /** What the sender called it, made safe. */
  name: z.string(),
  mediaType: z.string(),
  contentBytes: byteCount,
  sentSec: seconds,
  expirySec: seconds,
  receivedSec: seconds,
  flags: z.array(z.enum(['retraction', 'read-receipt-requested', 'escrow-disclosed'])),
  threadParent: z.exactOptional(hexBytes(24)),
  holder: holderSchema,
  acceptSecret: hexBytes(16),
});
export type InboxState = z.output<typeof inboxSchema>;

/** inbox/LOCATOR/accepting.json: acceptance has been decided. inbox/LOCATOR/accepted.json: and the holder was told. */
export const markSchema = z.strictObject({ format, atSec: seconds });

/** inbox/LOCATOR/handout.json: where the content goes, or went. `part` is the copy on another file system. */
export const handoutSchema = z.strictObject({ format, path: z.string(), part: z.exactOptional(z.string()) });
export type HandoutState = z.output<typeof handoutSchema>;
