/** The body of a request, read at the peer's pace, and what is left of it when the answer has gone out early. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { concatBytes } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import type { Pace } from './http-pace.js';

export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #pace: Pace;
  #receivedBytes = 0;

  constructor(request: IncomingMessage, pace: Pace) {
    this.#request = request;
    // Leaving the loop early must not close the connection: the answer is still to come.
    this.#chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
    this.#pace = pace;
  }

  /** Throws GATEWAY_BODY_BROKEN when the rest will not come. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  /** Reads the rest away, so that the answer is not lost in a reset of the connection. Resolves when the rest, or the connection, is at its end. */
  async drain(): Promise<void> {
    const { socket } = this.#request;
    const over = new AbortController();
    // Node does not tell a request whose answer has gone out that its connection has closed.
    const closed = once(socket, 'close', { signal: over.signal }).catch(() => undefined);
    if (!this.#request.complete && !socket.destroyed) await Promise.race([closed, this.#readAway()]);
    over.abort();
  }

  async #readAway(): Promise<void> {
    try {
      while ((await this.#chunks.next()).done !== true);
    } catch {
      // A connection that breaks now has done its duty.
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#pace.wait();
    try {
      const item = await this.#chunks.next();
      if (item.done === true) return undefined;
      this.#receivedBytes += item.value.length;
      this.#pace.moved(item.value.length);
      return item.value;
    } catch (thrown) {
      throw new PosternError('GATEWAY_BODY_BROKEN', `The connection ended after ${this.#receivedBytes} bytes, before the body of the request did.`, { receivedBytes: this.#receivedBytes }, { cause: thrown });
    } finally {
      this.#pace.end();
    }
  }
}

/** A small body as a whole; undefined, with the rest unread, when it is longer than it may be. */
export async function readSmallBody(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}
