/**
 * Makes a message of a file: seals it to its recipient and puts it in the outgoing folder, in the memory of one
 * chunk whatever its size. The folder is filled under a temporary name and appears with one rename, so that a
 * message is either there, whole and ready to be handed over, or has left no trace.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, dropTemporary, moveFolderDurably, temporaryFolder } from '../base/durable-file.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import { encodeBlobHead } from '../wire/blob-head.js';
import { acceptCommitment, locatorOf, retractCommitment } from '../wire/capability.js';
import { SEALED_CONTENT_KEY_BYTES, makeEnvelope } from '../wire/envelope.js';
import type { Envelope, EnvelopeFields } from '../wire/envelope.js';
import { keyId } from '../wire/keys.js';
import { padmeBytes } from '../wire/padme.js';
import { payloadBytesOf } from '../wire/payload.js';
import { recipientHash } from '../wire/recipient-hash.js';
import { EXPIRY_STEP_SEC, makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import { PayloadSealer, sealContentKey, sealEnvelope, sealInner } from '../wire/seal.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { Correspondent } from './correspondents.js';
import type { UserIdentity } from './identity.js';
import { blobFile, messageFile, outgoingName } from './outgoing.js';
import { acceptance, retraction } from './secrets.js';
import { BITE_BYTES, hashFile, writeAt } from './spool.js';
import { writeState } from './state-file.js';
import { outgoingSchema } from './state-schema.js';

export interface Draft {
  /** What asked for this message, and which one of its messages it is: together they name its folder. */
  readonly command: string;
  readonly number: number;
  readonly from: UserIdentity;
  readonly to: Correspondent;
  readonly file: string;
  /** What the recipient sees. */
  readonly name: string;
  readonly mediaType: string;
  readonly lifetimeSec: number;
  readonly threadParent?: Uint8Array;
}

/** False when another process has made the same message meanwhile: then that one is the message. @param signal ends it at once, and leaves nothing */
export async function sealMessage(context: DomainContext, draft: Draft, signal?: AbortSignal): Promise<boolean> {
  const source = await openSource(draft.file);
  try {
    const { size } = await source.stat();
    const folder = await temporaryFolder(context.home.outgoing);
    try {
      await fill(context, draft, folder, source, size, signal);
      const placed = await moveFolderDurably(folder, join(context.home.outgoing, outgoingName(draft.command, draft.number)));
      if (!placed) await dropTemporary(folder);
      return placed;
    } catch (thrown) {
      await dropTemporary(folder);
      throw onDisk(folder, thrown);
    }
  } finally {
    await source.close();
  }
}

async function fill(context: DomainContext, draft: Draft, folder: string, source: FileHandle, contentBytes: number, signal: AbortSignal | undefined): Promise<void> {
  const { random } = context;
  const { domain, user } = draft.to;
  const sentSec = nowSec(context);
  const contentKey = random.bytes(32);
  const fields: EnvelopeFields = {
    destination: domain.domain,
    sender: draft.from.address,
    recipientHash: recipientHash(draft.from.kem.publicKey, user.kemKey, domain.domain),
    salt: random.bytes(16),
    mimeType: draft.mediaType,
    payloadBytes: payloadBytesOf(padmeBytes(contentBytes)),
    // Known only once the payload is sealed; until then zeros of the same length hold their place.
    payloadHash: new Uint8Array(32),
    sentSec,
    expirySec: Math.ceil((sentSec + draft.lifetimeSec) / EXPIRY_STEP_SEC) * EXPIRY_STEP_SEC,
    flags: { retraction: false, readReceiptRequested: false, escrowDisclosed: domain.escrow || user.escrow },
    sealedContentKey: new Uint8Array(SEALED_CONTENT_KEY_BYTES),
    acceptSecret: new Uint8Array(16),
    ...(draft.threadParent !== undefined && { threadParent: draft.threadParent }),
    name: draft.name,
    contentBytes,
  };
  const sealHead = (envelope: Envelope): Uint8Array => encodeBlobHead(sealEnvelope(domain.kemKey, envelope, random.bytes(32)));

  const blob = await open(blobFile(folder), 'wx+', 0o600);
  try {
    const headBytes = sealHead(makeEnvelope(draft.from.signing, fields)).length;
    const payloadHash = await sealPayload(context, draft, source, new PayloadSealer(contentKey, random.bytes(16)), blob, headBytes, contentBytes, signal);
    const { messageId } = makeEnvelope(draft.from.signing, { ...fields, payloadHash });
    const accept = acceptance(context.identity.masterSecret, messageId);
    const sealedContentKey = sealContentKey(user.kemKey, user.address, contentKey, random.bytes(32));
    const envelope = makeEnvelope(draft.from.signing, { ...fields, payloadHash, sealedContentKey, acceptSecret: accept.secret });
    await writeAt(blob, [sealHead(envelope)], 0);
    await blob.sync();

    const locator = locatorOf(messageId);
    const record = makeRecord({
      destination: domain.domain,
      locator,
      expirySec: fields.expirySec,
      blobBytes: headBytes + fields.payloadBytes,
      blobHash: await hashFile(blobFile(folder)),
      retractCommitment: retractCommitment(locator, retraction(context.identity.masterSecret, messageId).secret),
      acceptCommitment: acceptCommitment(locator, accept.secret),
      notification: sealInner(domain.kemKey, domain.domain, { recipientHash: fields.recipientHash, messageId, expirySec: fields.expirySec }, random.bytes(32)),
    });
    await writeFacts(folder, draft, envelope, record);
  } finally {
    await blob.close();
  }
}

function writeFacts(folder: string, draft: Draft, envelope: Envelope, record: TransitRecord): Promise<void> {
  return writeState(messageFile(folder), outgoingSchema, {
    format: 1,
    messageId: envelope.messageId,
    from: envelope.sender,
    to: draft.to.user.address,
    toKeyId: keyId(draft.to.user.signingKey),
    name: draft.name,
    mediaType: envelope.mimeType,
    contentBytes: envelope.contentBytes,
    sentSec: envelope.sentSec,
    record: record.bytes,
  });
}

/** Streams exactly the bytes that were announced; a file that grows or shrinks meanwhile is not sent. */
async function sealPayload(
  context: DomainContext,
  draft: Draft,
  source: FileHandle,
  sealer: PayloadSealer,
  blob: FileHandle,
  headBytes: number,
  contentBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const report = (doneBytes: number): void => context.report({ kind: 'sealing', name: draft.name, doneBytes, totalBytes: contentBytes });
  let at = headBytes;
  const buffer = Buffer.alloc(BITE_BYTES);
  for (let doneBytes = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await readSource(source, draft.file, buffer, doneBytes);
    if (bytesRead === 0 && doneBytes === contentBytes) break;
    if (bytesRead === 0 || doneBytes + bytesRead > contentBytes) {
      throw new PosternError('DOMAIN_FILE', `${draft.file} changed while it was being sealed. Send it again when nobody writes to it.`, { file: draft.file });
    }
    at = await writeAt(blob, sealer.push(buffer.subarray(0, bytesRead)), at);
    doneBytes += bytesRead;
    report(doneBytes);
  }
  for (const piece of sealer.finish()) at = await writeAt(blob, [piece], at);
  return sealer.sealed.payloadHash;
}

async function openSource(file: string): Promise<FileHandle> {
  try {
    const source = await open(file, 'r');
    if ((await source.stat()).isFile()) return source;
    await source.close();
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
  throw new PosternError('DOMAIN_FILE', `${file} is no file. Pack a folder into a file first.`, { file });
}

async function readSource(source: FileHandle, file: string, buffer: Buffer, at: number): Promise<{ bytesRead: number }> {
  try {
    return await source.read(buffer, 0, buffer.length, at);
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): PosternError {
  return new PosternError('DOMAIN_FILE', `${file} cannot be read: ${messageOf(thrown)}`, { file }, { cause: thrown });
}

function onDisk(path: string, thrown: unknown): unknown {
  const code = isPosternError(thrown) ? undefined : codeOf(thrown);
  if (code === undefined) return thrown;
  return new PosternError('DOMAIN_DISK', `${path} cannot be written: ${messageOf(thrown)}`, { path, code }, { cause: thrown });
}
