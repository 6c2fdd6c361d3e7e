/**
 * Many files in one command. They are sealed one after the other, and what is sealed is handed over while the next
 * is being sealed, so that a large file keeps no small one waiting.
 */
import { backoffMs } from '../base/backoff.js';
import { sleep } from '../base/clock.js';
import type { DomainContext } from './context.js';
import { outcomeOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { poll } from './poll.js';
import { handOverAll, prepareMessage } from './send.js';
import type { SendRequest } from './send.js';
import { submitDue } from './submit.js';

/** Between two questions for news of messages that somebody waits for. */
const ASK_FIRST_MS = 1000;

/**
 * Resolves when all have been taken, or refused for good, or `waitMs` after the last was sealed. What is left is tried
 * again by whoever comes next.
 */
export async function sendAll(
  context: DomainContext,
  requests: readonly SendRequest[],
  onSealed: (message: OutgoingMessage, request: SendRequest) => void,
  waitMs: number,
  signal: AbortSignal,
): Promise<OutgoingMessage[]> {
  const messages: OutgoingMessage[] = [];
  const porter = new Porter(context, signal);
  try {
    for (const request of requests) {
      if (signal.aborted) break;
      const message = await prepareMessage(context, request, signal);
      onSealed(message, request);
      messages.push(message);
      porter.carry(message);
    }
  } catch (thrown) {
    if (thrown !== signal.reason) throw thrown;
  } finally {
    await porter.done();
  }
  await handOverAll(context, messages, waitMs, signal);
  return messages;
}

/** Stays with messages until each has come to its end: hands over what is left, and asks for news with growing waits. */
export async function follow(context: DomainContext, messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
  const law = { firstMs: ASK_FIRST_MS, capMs: context.config.pollSeconds * 1000 };
  for (let asked = 1; !signal.aborted; asked += 1) {
    await submitDue(context, signal);
    await poll(context, signal);
    if (await haveEnded(messages)) return;
    await sleep(context.clock, backoffMs(law, asked, context.random), signal);
  }
}

async function haveEnded(messages: readonly OutgoingMessage[]): Promise<boolean> {
  for (const message of messages) if ((await outcomeOf(message)) === undefined) return false;
  return true;
}

/** Makes one attempt for each message, one walk at a time, with all that has come together meanwhile. */
class Porter {
  readonly #context: DomainContext;
  readonly #signal: AbortSignal;
  #waiting: OutgoingMessage[] = [];
  #walk: Promise<void> = Promise.resolve();

  constructor(context: DomainContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  carry(message: OutgoingMessage): void {
    this.#waiting.push(message);
    this.#walk = this.#walk.then(() => handOverAll(this.#context, this.#waiting.splice(0), 0, this.#signal));
    // A fault waits for `done`.
    this.#walk.catch(() => undefined);
  }

  done(): Promise<void> {
    return this.#walk;
  }
}
