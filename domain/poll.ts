/**
 * Asks the gateways for news of what was sent. A batch without records collects what waits for us: late receipts,
 * and the openings that say a message was accepted. Retractions travel the same way, since a batch is answered.
 */
import { encodeOpening } from '../wire/opening.js';
import { isClaimed } from './claim.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { GatewayDoor } from './gateway-door.js';
import { applyNews } from './news.js';
import { isRetracting, listMessages, settle } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { retraction } from './secrets.js';

/** Well within what a batch may hold. */
const MOST_OPENINGS = 1000;
/** A gateway gives some hundred openings at a time; what is left then waits for the next poll. */
const MOST_ROUNDS = 20;

export async function poll(context: DomainContext, signal: AbortSignal): Promise<void> {
  const messages = await listMessages(context.home, 'outgoing', (thrown) => context.report({ kind: 'trouble', what: 'an outgoing message', thrown }));
  const retracting: OutgoingMessage[] = [];
  for (const message of messages) {
    // Who has it in hand may be handing it over: told before that has ended, a gateway would take it all the same.
    if (retracting.length < MOST_OPENINGS && (await isRetracting(message)) && !(await isClaimed(message.dir))) retracting.push(message);
  }
  const controls = retracting.map((message) => encodeOpening(retraction(context.identity.masterSecret, message.facts.messageId)));
  let heardByAll = context.doors.known.length > 0;
  for (const door of context.doors.known) {
    if (!(await pollDoor(context, door, controls, signal))) heardByAll = false;
  }
  // Any of the gateways may hold the message, so that it is gone only when all of them have heard.
  if (heardByAll) for (const message of retracting) await endRetracted(context, message);
}

/** Says what is to be said, hears what there is to hear, and gives openings back as a sign that they are safe here. */
async function pollDoor(context: DomainContext, door: GatewayDoor, say: readonly Uint8Array[], signal: AbortSignal): Promise<boolean> {
  let controls = say;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (signal.aborted) return false;
    const answer = await door.send({ records: [], controls, pieces: [], signal });
    if (answer.kind !== 'answered') return false;
    const { openings } = await applyNews(context, [], answer);
    if (openings.length === 0) break;
    controls = openings;
  }
  return true;
}

/** Unless the news said that it had been accepted before: the first outcome stays. */
async function endRetracted(context: DomainContext, message: OutgoingMessage): Promise<void> {
  if (await settle(message, 'retracted', nowSec(context))) context.report({ kind: 'outcome', message, outcome: 'retracted' });
}
