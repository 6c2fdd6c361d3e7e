/**
 * Opens a blob that was fetched and delivers the message, once. Everything that can be known before the payload
 * is opened is checked first; the content is written beside the inbox and appears in it, whole, with one rename.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../base/bytes.js';
import { codeOf, dropTemporary, moveFolderDurably, temporaryFolder } from '../base/durable-file.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import { MAX_BLOB_HEAD_BYTES, decodeBlobHead } from '../wire/blob-head.js';
import type { Envelope } from '../wire/envelope.js';
import { fingerprintBytes } from '../wire/keys.js';
import { PayloadOpener, openContentKey, openEnvelope } from '../wire/open.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { Pairing } from './correspondents.js';
import { safeFileName } from './file-name.js';
import { contentFile } from './hand-out.js';
import { entryFile, findEntry, markAccepting } from './inbox.js';
import type { InboxEntry } from './inbox.js';
import { readBites, writeAt } from './spool.js';
import { writeState } from './state-file.js';
import { inboxSchema } from './state-schema.js';
import type { InboxState, PendingState } from './state-schema.js';

/** withheld: good as far as we can tell, from somebody whose key we do not have. bad: not what it should be, whoever sent it. */
export type Received =
  | { readonly kind: 'delivered'; readonly entry: InboxEntry }
  | { readonly kind: 'duplicate'; readonly entry: InboxEntry }
  | { readonly kind: 'withheld'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string };

/** @param accept whether the user takes whatever is delivered; decided with the delivery, in the same rename. */
export async function receiveMessage(context: DomainContext, locator: string, pending: PendingState, file: string, accept: boolean): Promise<Received> {
  const before = await findEntry(context.home, locator);
  if (before !== undefined) return { kind: 'duplicate', entry: before };
  const blob = await open(file, 'r');
  try {
    const checked = await checkEnvelope(context, pending, blob);
    if ('kind' in checked) return checked;
    return await deliver(context, locator, pending, blob, checked, accept);
  } catch (thrown) {
    if (isPosternError(thrown) && thrown.code.startsWith('WIRE_')) return { kind: 'bad', reason: messageOf(thrown) };
    throw thrown;
  } finally {
    await blob.close();
  }
}

interface Checked {
  readonly envelope: Envelope;
  readonly pairing: Pairing;
  readonly payloadOffset: number;
}

/** Who wrote it, to whom, and is it the message that we were told of? Throws what wire/open.ts throws. */
async function checkEnvelope(context: DomainContext, pending: PendingState, blob: FileHandle): Promise<Checked | Received> {
  const { identity, correspondents } = context;
  const buffer = new Uint8Array(MAX_BLOB_HEAD_BYTES);
  const { bytesRead } = await blob.read(buffer, 0, buffer.length, 0);
  const head = decodeBlobHead(buffer.subarray(0, bytesRead));
  if (head === undefined) return { kind: 'bad', reason: 'the blob is shorter than its envelope' };
  const opened = openEnvelope(identity.kem, identity.name, head.sealedEnvelope);
  const sender = await correspondents.sender(opened.sender);
  if (sender === undefined) return { kind: 'withheld', reason: `from ${opened.sender}, who is not known here` };
  if (!equalBytes(opened.senderKeyPrefix, fingerprintBytes(sender.user.signingKey).subarray(0, opened.senderKeyPrefix.length))) {
    return { kind: 'withheld', reason: `from ${opened.sender}, with another key than the one pinned` };
  }
  if (sender.user.status !== 'current') return { kind: 'withheld', reason: `from ${opened.sender}, whose key is ${sender.user.status}` };
  const envelope = opened.verify(sender.user.signingKey);
  if (!equalBytes(envelope.messageId, pending.messageId)) return { kind: 'bad', reason: 'it is another message than the one that was fetched' };
  const pairing = (await correspondents.pairings(envelope.recipientHash)).find(({ correspondent }) => correspondent.user.address === envelope.sender);
  if (pairing === undefined) return { kind: 'bad', reason: `from ${envelope.sender}, to nobody here` };
  if (envelope.payloadRef !== undefined) return { kind: 'withheld', reason: 'its content is kept elsewhere, which this version does not follow' };
  const { size } = await blob.stat();
  if (head.payloadOffset + envelope.payloadBytes !== size) return { kind: 'bad', reason: `its payload has ${size - head.payloadOffset} bytes and should have ${envelope.payloadBytes}` };
  return { envelope, pairing, payloadOffset: head.payloadOffset };
}

async function deliver(context: DomainContext, locator: string, pending: PendingState, blob: FileHandle, checked: Checked, accept: boolean): Promise<Received> {
  const { envelope, pairing } = checked;
  const { recipient } = pairing;
  const folder = await temporaryFolder(context.home.inbox);
  try {
    const contentKey = openContentKey(recipient.kem, recipient.address, envelope.sealedContentKey);
    await openPayload(blob, checked.payloadOffset, new PayloadOpener(contentKey, envelope), contentFile(folder));
    const facts = factsOf(context, pending, checked);
    await writeState(entryFile(folder), inboxSchema, facts);
    if (accept) await markAccepting(folder, facts.receivedSec);
    const dir = join(context.home.inbox, locator);
    if (await moveFolderDurably(folder, dir)) return { kind: 'delivered', entry: { locator, dir, facts } };
    await dropTemporary(folder);
    return { kind: 'duplicate', entry: { locator, dir, facts } };
  } catch (thrown) {
    await dropTemporary(folder);
    const code = isPosternError(thrown) ? undefined : codeOf(thrown);
    if (code === undefined) throw thrown;
    throw new PosternError('DOMAIN_DISK', `${context.home.inbox} cannot be written: ${messageOf(thrown)}`, { path: context.home.inbox, code }, { cause: thrown });
  }
}

/** The file is on stable storage when this resolves; it holds exactly what the sender signed, or this has thrown. */
async function openPayload(blob: FileHandle, offset: number, opener: PayloadOpener, contentPath: string): Promise<void> {
  const content = await open(contentPath, 'wx', 0o600);
  try {
    let at = 0;
    for await (const bite of readBites(blob, offset)) at = await writeAt(content, opener.push(bite), at);
    await writeAt(content, opener.finish(), at);
    await content.sync();
  } finally {
    await content.close();
  }
}

function factsOf(context: DomainContext, pending: PendingState, { envelope, pairing }: Checked): InboxState {
  const { retraction, readReceiptRequested, escrowDisclosed } = envelope.flags;
  return {
    format: 1,
    messageId: envelope.messageId,
    from: envelope.sender,
    to: pairing.recipient.address,
    name: safeFileName(envelope.name),
    mediaType: envelope.mimeType,
    contentBytes: envelope.contentBytes,
    sentSec: envelope.sentSec,
    expirySec: envelope.expirySec,
    receivedSec: nowSec(context),
    flags: [...(retraction ? (['retraction'] as const) : []), ...(readReceiptRequested ? (['read-receipt-requested'] as const) : []), ...(escrowDisclosed ? (['escrow-disclosed'] as const) : [])],
    ...(envelope.threadParent !== undefined && { threadParent: envelope.threadParent }),
    holder: pending.holder,
    acceptSecret: envelope.acceptSecret,
  };
}
