/**
 * Takes a message back. The wish is on disk before anybody is told, so it is carried out after any crash. Gateways
 * are told even of a message that none of them has a receipt for: its hand-over may have been cut off half-way.
 */
import { toHex } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { listMessages, markRetracting, outcomeOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { poll } from './poll.js';
import type { OutcomeState } from './state-schema.js';

/** `later`: the gateway could not be told; `run` goes on trying. An outcome other than `retracted`: that came first. */
export interface Retracted {
  readonly message: OutgoingMessage;
  readonly outcome: OutcomeState['outcome'] | 'later';
}

export async function retract(context: DomainContext, prefix: string, signal: AbortSignal): Promise<Retracted> {
  const message = await pickMessage(context, prefix);
  const before = await outcomeOf(message);
  if (before !== undefined) return { message, outcome: before.outcome };
  await markRetracting(message, nowSec(context));
  await poll(context, signal);
  return { message, outcome: (await outcomeOf(message))?.outcome ?? 'later' };
}

/** The message whose id begins like this, on its way or at its end, when it is the only one. */
async function pickMessage(context: DomainContext, prefix: string): Promise<OutgoingMessage> {
  const report = (thrown: unknown): void => context.report({ kind: 'trouble', what: 'an outgoing message', thrown });
  const all = [...(await listMessages(context.home, 'outgoing', report)), ...(await listMessages(context.home, 'sent', report))];
  const found = all.filter((message) => toHex(message.record.locator).startsWith(prefix));
  if (found.length === 1 && prefix.length >= SHORTEST_PREFIX) return found[0]!;
  throw new PosternError('DOMAIN_MESSAGE', found.length > 1 ? `"${prefix}" begins several messages: give more of it.` : `No message "${prefix}" was sent from here.`, { message: prefix });
}

const SHORTEST_PREFIX = 4;
