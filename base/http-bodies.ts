/** The two bodies of an HTTP exchange on the client's side, each with its waits for the peer counted. */
import { strict as assert } from 'node:assert';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Patience } from './patience.js';

export interface OutgoingBody {
  readonly bytes: number;
  open(): AsyncIterable<Uint8Array>;
}

/** Sends the body and ends the request, or stops where the peer does not want the rest. Rejects with what the source threw. */
export async function sendBody(client: ClientRequest, body: OutgoingBody | undefined, patience: Patience): Promise<void> {
  let sentBytes = 0;
  let answered = false;
  let unwanted = false;
  client.once('response', ({ statusCode = 0 }) => {
    answered = true;
    // A no before the end of the request: the rest is not wanted.
    unwanted = statusCode >= 300;
  });
  client.once('close', () => {
    unwanted = true;
  });
  if (body !== undefined) {
    for await (const chunk of body.open()) {
      if (unwanted) return;
      sentBytes += chunk.length;
      assert(sentBytes <= body.bytes, 'a body is as long as it says');
      if (client.write(chunk)) continue;
      if (!answered) patience.wait();
      await writable(client);
      if (!answered) patience.pause();
    }
    assert.equal(sentBytes, body.bytes, 'a body is as long as it says');
  }
  if (unwanted) return;
  if (!answered) patience.wait();
  client.end();
}

/** Resolves when more may be written, or when nothing will ever be. */
function writable(client: ClientRequest): Promise<void> {
  const events = ['drain', 'response', 'close'];
  return new Promise((resolve) => {
    const wake = (): void => {
      for (const event of events) client.off(event, wake);
      resolve();
    };
    for (const event of events) client.on(event, wake);
  });
}

export interface AnswerParts {
  readonly client: ClientRequest;
  readonly response: IncomingMessage;
  readonly patience: Patience;
  readonly checkTotal: (totalBytes: number) => void;
  readonly failureOf: (thrown: unknown) => Error;
}

/** The answer as it comes, within the limit that `checkTotal` keeps. An iterator rather than a generator: a generator that is broken off before its first step runs no `finally`. */
export function answerBody({ client, response, patience, checkTotal, failureOf }: AnswerParts): AsyncIterable<Uint8Array> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let totalBytes = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      patience.wait();
      try {
        const item = await chunks.next();
        if (item.done === true) {
          // The peer answered before it had the whole request: the connection is of no use any more.
          if (!client.writableFinished) client.destroy();
          return item;
        }
        totalBytes += item.value.length;
        checkTotal(totalBytes);
        return item;
      } catch (thrown) {
        throw failureOf(thrown);
      } finally {
        patience.pause();
      }
    },
    async return() {
      client.destroy();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
