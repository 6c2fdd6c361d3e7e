/**
 * Hands messages over to a gateway until it has signed for them. Small blobs go along with their records; of a
 * large one the record goes first, and then what the gateway says it wants: all of it, or what a cut left out.
 */
import { backoffMs } from '../base/backoff.js';
import { equalBytes, toHex } from '../base/bytes.js';
import { codeOf } from '../base/durable-file.js';
import { isPosternError, messageOf } from '../base/errors.js';
import { keyId } from '../wire/keys.js';
import type { ByteRange } from '../wire/ranges.js';
import type { PieceSource } from './batch-body.js';
import { claim, release } from './claim.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { GatewayDoor } from './gateway-door.js';
import { applyNews } from './news.js';
import type { News } from './news.js';
import { NO_RECEIPT, whyNotAnswered, whyRefused } from './not-taken.js';
import type { NotTaken } from './not-taken.js';
import { blobFile, isBlobWhole, isRetracting, isWaiting, keepTrouble, listMessages, markOffered, settle, stateOf, troubleOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import type { TroubleState } from './state-schema.js';

/** A blob up to this size is worth less than another round trip. */
const INLINE_BYTES = 256 * 1024;
const MOST_RECORDS = 100;
const MOST_INLINE_BYTES = 4 * 1024 * 1024;
/** So often a gateway may want as much as before; then it is tried again later. */
const MOST_ROUNDS_WITHOUT_PROGRESS = 3;

/** Word that a message was accepted in its last hour may be under way for a while. */
const NEWS_AFTER_EXPIRY_SEC = 86_400;

/** A domain's own gateway is near: nobody gains by long waits. */
const RETRY = { firstMs: 1000, capMs: 5 * 60_000 };
/** No gateway can send a message away for longer. */
const LONGEST_WAIT_SEC = 3600;

/** Everything that is due: not taken yet, not retracted, not waiting after a failure. Expired ones end here, in silence, whoever holds them. */
export async function submitDue(context: DomainContext, signal: AbortSignal): Promise<void> {
  const due: OutgoingMessage[] = [];
  for (const message of await listMessages(context.home, 'outgoing', (thrown) => context.report({ kind: 'trouble', what: 'an outgoing message', thrown }))) {
    if (await isRetracting(message)) continue;
    const isTaken = (await stateOf(message)) === 'in-custody';
    if (hasExpired(context, message.record.expirySec + (isTaken ? NEWS_AFTER_EXPIRY_SEC : 0))) {
      if (await settle(message, 'expired', nowSec(context))) context.report({ kind: 'outcome', message, outcome: 'expired' });
    } else if (isTaken) {
      continue;
    } else if (isDue(await troubleOf(message), nowSec(context))) {
      due.push(message);
    }
  }
  await submit(context, due, signal);
}

/** A time further away than the longest wait was noted while the clock stood ahead. */
function isDue(trouble: TroubleState | undefined, atSec: number): boolean {
  return trouble === undefined || trouble.nextSec <= atSec || trouble.nextSec > atSec + LONGEST_WAIT_SEC;
}

/** One attempt for each message that nobody else has in hand, at the first gateway that answers. What came of it is in the messages' folders. */
export async function submit(context: DomainContext, messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
  const claimed: OutgoingMessage[] = [];
  try {
    const ready: OutgoingMessage[] = [];
    for (const message of messages) {
      if (!(await claim(message.dir))) continue;
      claimed.push(message);
      // Whoever had it in hand before us may have been through with it.
      if (!(await isWaiting(message))) continue;
      const why = await whyKept(context, message);
      if (why === undefined) ready.push(message);
      else await note(context, message, '', why);
    }
    for (const group of grouped(ready)) {
      await submitGroup(context, group, signal).catch(async (thrown: unknown) => {
        // News of one of them came to another process, which has removed what we were just reading.
        const areWaiting = await Promise.all(group.map(isWaiting));
        if (codeOf(thrown) !== 'ENOENT' || areWaiting.every(Boolean)) throw thrown;
      });
    }
  } finally {
    for (const message of claimed) await release(message.dir);
  }
}

async function submitGroup(context: DomainContext, group: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
  for (const door of context.doors.known) {
    if (signal.aborted) return;
    const { answered, notTaken } = await handOver(context, door, group, signal);
    // Broken off on our side: that says nothing about the gateway.
    if (signal.aborted) return;
    if (!answered && door !== context.doors.known.at(-1)) continue;
    for (const [message, why] of notTaken) await note(context, message, door.name, why);
    return;
  }
}

/** The recipient's key may have changed since the message was sealed: then it is not sent, and people are told. */
async function whyKept(context: DomainContext, message: OutgoingMessage): Promise<NotTaken | undefined> {
  try {
    const { user } = await context.correspondents.recipient(message.facts.to);
    if (equalBytes(keyId(user.signingKey), message.facts.toKeyId)) return await whyDamaged(message);
    return { code: 'old-key', reason: `it is sealed to a key of ${message.facts.to} that is no longer theirs: retract it and send it again` };
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return { code: thrown.code, reason: messageOf(thrown) };
  }
}

/** A batch with one blob that is not what its record says is refused whole (spec/custody.md), and so would be all that go with it. */
async function whyDamaged(message: OutgoingMessage): Promise<NotTaken | undefined> {
  if ((await isBlobWhole(message, INLINE_BYTES)) || !(await isWaiting(message))) return undefined;
  return { code: 'damaged', reason: 'its blob is not whole any more: retract it and send it again' };
}

async function handOver(
  context: DomainContext,
  door: GatewayDoor,
  group: readonly OutgoingMessage[],
  signal: AbortSignal,
): Promise<{ answered: boolean; notTaken: Map<OutgoingMessage, NotTaken> }> {
  const inline = group.flatMap((message, index) => (message.record.blobBytes <= INLINE_BYTES ? [pieceOf(message, index, [0, message.record.blobBytes])] : []));
  const news = await ask(context, door, group, inline, signal);
  if ('code' in news) return { answered: false, notTaken: new Map(group.map((message) => [message, news])) };
  const notTaken = new Map<OutgoingMessage, NotTaken>();
  for (const message of group) {
    const next = whatNext(news, message);
    const why = next instanceof Array ? await sendWanted(context, door, message, next, signal) : next;
    if (why !== undefined) notTaken.set(message, why === 'nothing' ? NO_RECEIPT : why);
  }
  return { answered: true, notTaken };
}

/** Sends what is wanted of one blob, and asks again what is still wanted. Undefined when it was taken. */
async function sendWanted(context: DomainContext, door: GatewayDoor, message: OutgoingMessage, ranges: readonly ByteRange[], signal: AbortSignal): Promise<NotTaken | undefined> {
  let wanted = ranges;
  for (let withoutProgress = 0; withoutProgress < MOST_ROUNDS_WITHOUT_PROGRESS; ) {
    const hereBytes = message.record.blobBytes - bytesIn(wanted);
    const onProgress = (sentBytes: number): void => context.report({ kind: 'handing-over', message, doneBytes: hereBytes + sentBytes, totalBytes: message.record.blobBytes });
    onProgress(0);
    const pieces = wanted.map((range) => pieceOf(message, 0, range));
    let next = whatNext(await ask(context, door, [message], pieces, signal, onProgress), message);
    // A gateway that lacks something still says so when it is asked with the bare record.
    if (next === 'nothing') next = whatNext(await ask(context, door, [message], [], signal), message);
    if (next === 'nothing') return NO_RECEIPT;
    if (!(next instanceof Array)) return next;
    if (bytesIn(next) >= bytesIn(wanted)) withoutProgress += 1;
    wanted = next;
  }
  return { code: 'no-progress', reason: 'it wants the same parts again and again' };
}

/** Wanted ranges, or why it was not taken, or undefined when all is done. */
function whatNext(news: News | NotTaken, message: OutgoingMessage): readonly ByteRange[] | NotTaken | 'nothing' | undefined {
  if ('code' in news) return news;
  const rid = toHex(message.record.rid);
  if (news.done.has(rid)) return undefined;
  const refusal = news.refused.get(rid);
  if (refusal !== undefined) return whyRefused(refusal);
  const { blobBytes } = message.record;
  const ranges = (news.wanted.get(rid) ?? []).filter(([start]) => start < blobBytes).map(([start, end]): ByteRange => [start, Math.min(end, blobBytes)]);
  return ranges.length > 0 ? ranges : 'nothing';
}

async function ask(
  context: DomainContext,
  door: GatewayDoor,
  messages: readonly OutgoingMessage[],
  pieces: readonly PieceSource[],
  signal: AbortSignal,
  onProgress?: (sentBytes: number) => void,
): Promise<News | NotTaken> {
  for (const message of messages) await markOffered(message);
  const answer = await door.send({ records: messages.map((message) => message.record), controls: [], pieces, signal, ...(onProgress !== undefined && { onProgress }) });
  return answer.kind === 'answered' ? applyNews(context, messages, answer) : whyNotAnswered(answer);
}

async function note(context: DomainContext, message: OutgoingMessage, gateway: string, why: NotTaken): Promise<void> {
  const failures = ((await troubleOf(message))?.failures ?? 0) + 1;
  const retryAfterSec = why.retryAfterSec !== undefined ? Math.min(why.retryAfterSec, LONGEST_WAIT_SEC) : Math.ceil(backoffMs(RETRY, failures, context.random) / 1000);
  const atSec = nowSec(context);
  await keepTrouble(message, { format: 1, gateway, code: why.code, reason: why.reason, atSec, failures, nextSec: atSec + retryAfterSec });
  context.report({ kind: 'not-taken', message, gateway, code: why.code, reason: why.reason, retryAfterSec });
}

/** Small ones together, each large one alone, so that a cut hurts one message only. */
function grouped(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const groups: OutgoingMessage[][] = [];
  let open: OutgoingMessage[] = [];
  let openBytes = 0;
  for (const message of messages) {
    const { blobBytes } = message.record;
    if (blobBytes > INLINE_BYTES) {
      groups.push([message]);
      continue;
    }
    if (open.length === 0 || open.length >= MOST_RECORDS || openBytes + blobBytes > MOST_INLINE_BYTES) {
      open = [];
      openBytes = 0;
      groups.push(open);
    }
    open.push(message);
    openBytes += blobBytes;
  }
  return groups;
}

function pieceOf(message: OutgoingMessage, index: number, [startByte, endByte]: ByteRange): PieceSource {
  return { index, file: blobFile(message.dir), startByte, endByte };
}

function bytesIn(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}
