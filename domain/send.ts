/**
 * From "send this file to them" to a message in custody. A command has a name made of what it says, and a name has
 * one message: said again, after a crash or by a script that runs twice, it goes on with the message it made before.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { sleep } from '../base/clock.js';
import { toHex, utf8 } from '../base/bytes.js';
import { PosternError, messageOf } from '../base/errors.js';
import { sha256Of } from '../wire/node-crypto.js';
import { isClaimed } from './claim.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { Correspondent } from './correspondents.js';
import { safeFileName } from './file-name.js';
import { ownUser } from './identity.js';
import { listInbox, pickEntry } from './inbox.js';
import { isWaiting, latestOf, troubleOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { sealMessage } from './seal-message.js';
import { submit } from './submit.js';

export interface SendRequest {
  readonly file: string;
  /** user@domain. */
  readonly to: string;
  /** Which of our users sends; may be left out when there is one. */
  readonly from?: string;
  /** What the recipient sees; the file's own name if left out. */
  readonly name?: string;
  readonly mediaType?: string;
  readonly lifetimeHours?: number;
  /** The beginning of a received message's name: the message that this one answers. */
  readonly replyTo?: string;
  /** A new message even though the same command has been done before. One that is still under way is finished first. */
  readonly again?: boolean;
}

const CLAIM_LOOK_MS = 300;

/** Seals the message, or finds it. Nothing has been handed over yet. @param signal gives it up: then there is no message */
export async function prepareMessage(context: DomainContext, request: SendRequest, signal?: AbortSignal): Promise<OutgoingMessage> {
  const from = ownUser(context.identity, request.from);
  const to = await context.correspondents.recipient(request.to);
  refuseEndedKeys(context, to);
  const name = safeFileName(request.name ?? basename(request.file));
  const mediaType = request.mediaType ?? mediaTypeOf(name);
  const threadParent = request.replyTo === undefined ? undefined : pickEntry(await listInbox(context.home, () => undefined), request.replyTo).facts.messageId;
  const command = await commandOf(request, from.address, name, mediaType, threadParent);
  const latest = await latestOf(context.home, command);
  if (latest !== undefined && !(request.again === true && (await isDone(latest.message)))) return latest.message;
  const lifetimeSec = (request.lifetimeHours ?? context.config.transitLifetimeHours) * 3600;
  await sealMessage(context, { command, number: (latest?.number ?? 0) + 1, from, to, file: request.file, name, mediaType, lifetimeSec, ...(threadParent !== undefined && { threadParent }) }, signal);
  const made = await latestOf(context.home, command);
  if (made === undefined) throw new PosternError('DOMAIN_STATE', `The message for ${request.file} has gone from ${context.home.outgoing}.`, { file: context.home.outgoing });
  return made.message;
}

/** Nothing is sealed to a key after its time, or to one that its owner has given up (spec/keys.md). */
function refuseEndedKeys(context: DomainContext, { domain, user }: Correspondent): void {
  const { address } = user;
  const fault = (why: string): PosternError => new PosternError('DOMAIN_KEY_ENDED', `${why}. Get a newer card of ${domain.domain} and give it to "postern domain know".`, { address });
  if (user.status !== 'current') throw fault(`The key of ${address} is ${user.status}`);
  const endSec = Math.min(domain.notAfterSec, user.notAfterSec);
  if (hasExpired(context, endSec)) throw fault(`The keys of ${address} ended on ${new Date(endSec * 1000).toISOString().slice(0, 10)}`);
}

/** Tries until all have been taken, or refused for good, or `waitMs` have passed. What is left is tried again by whoever comes next. */
export async function handOverAll(context: DomainContext, messages: readonly OutgoingMessage[], waitMs: number, signal: AbortSignal): Promise<void> {
  if (context.doors.known.length === 0) {
    throw new PosternError('DOMAIN_GATEWAY', 'No gateway is known here. Get the card of one and give it to "postern domain gateway add".', { name: '' });
  }
  const endMs = context.clock.monotonicMs() + waitMs;
  let open = await notDone(messages);
  while (open.length > 0) {
    await submit(context, open, signal);
    open = await notDone(open);
    if (await isAnyClaimed(open)) {
      // Another process has it in hand and will note what came of it: that is not waited for in vain.
      await sleep(context.clock, CLAIM_LOOK_MS, signal);
      if (signal.aborted) return;
      continue;
    }
    const delaysSec = await Promise.all(open.map(async (message) => ((await troubleOf(message))?.nextSec ?? 0) - nowSec(context)));
    const delayMs = Math.max(0, Math.min(...delaysSec)) * 1000;
    if (open.length === 0 || signal.aborted || context.clock.monotonicMs() + delayMs > endMs) return;
    await sleep(context.clock, delayMs, signal);
  }
}

async function isAnyClaimed(messages: readonly OutgoingMessage[]): Promise<boolean> {
  for (const message of messages) if (await isClaimed(message.dir)) return true;
  return false;
}

async function notDone(messages: readonly OutgoingMessage[]): Promise<OutgoingMessage[]> {
  const open: OutgoingMessage[] = [];
  for (const message of messages) if (!(await isDone(message))) open.push(message);
  return open;
}

/** Nobody will hand it over any more. */
async function isDone(message: OutgoingMessage): Promise<boolean> {
  return !(await isWaiting(message));
}

/** The same file, unchanged, to the same address is the same command. */
async function commandOf(request: SendRequest, from: string, name: string, mediaType: string, threadParent: Uint8Array | undefined): Promise<string> {
  try {
    const path = await realpath(request.file);
    const { size, mtimeNs } = await stat(path, { bigint: true });
    const parent = threadParent === undefined ? '' : toHex(threadParent);
    const words = ['send/1', from, request.to, path, String(size), String(mtimeNs), name, mediaType, parent];
    return toHex(sha256Of(utf8(JSON.stringify(words)))).slice(0, 32);
  } catch (thrown) {
    throw new PosternError('DOMAIN_FILE', `${request.file} cannot be read: ${messageOf(thrown)}`, { file: request.file }, { cause: thrown });
  }
}

/** A hint for the recipient, who checks for itself. */
function mediaTypeOf(name: string): string {
  return MEDIA_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.eml': 'message/rfc822',
  '.txt': 'text/plain;charset=utf-8',
  '.md': 'text/markdown;charset=utf-8',
  '.html': 'text/html;charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.zip': 'application/zip',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.mp4': 'video/mp4',
};
