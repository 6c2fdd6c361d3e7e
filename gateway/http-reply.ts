/** Writes a reply to the socket, at the peer's pace, and tells whether all of it went out. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { addAbortSignal } from 'node:stream';
import type { Pace } from './http-pace.js';
import type { HttpReply, StreamedBody } from './http-route.js';

/** On every reply, whatever it is: who follows a link from a blob must not carry the id along. */
const COMMON_HEADERS = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' };
const BODYLESS = new Set([204, 304]);
const SLICE_BYTES = 65_536;

/**
 * Resolves with whether the whole body was handed to an open socket. Rejects with a fault of the body's
 * source; the connection is closed then.
 * @param gone aborts when the connection has closed: Node does not tell a response that waits for an earlier one
 */
export async function writeReply(request: IncomingMessage, response: ServerResponse, reply: HttpReply, pace: Pace, gone: AbortSignal): Promise<boolean> {
  const { status, headers, body } = reply;
  // To requests that came together the answers go out one after the other: until it is our turn, nobody is slow.
  if (response.socket === null) await happens(response, 'socket', gone);
  // A gateway may not know what time it is, and its clock tells it from others (RFC 9110 §6.6.1 wants no date then).
  response.sendDate = false;
  response.statusCode = status;
  for (const [name, value] of Object.entries({ ...COMMON_HEADERS, ...headers })) response.setHeader(name, value);
  const bodyBytes = body instanceof Uint8Array ? body.length : (body?.bytes ?? 0);
  if (!BODYLESS.has(status)) response.setHeader('content-length', bodyBytes);
  if (body === undefined || request.method === 'HEAD') {
    await end(response, pace, gone);
    return false;
  }
  let sentBytes = 0;
  try {
    for await (const chunk of body instanceof Uint8Array ? slices(body) : opened(body, gone)) {
      if (gone.aborted) return false;
      sentBytes += chunk.length;
      if (response.write(chunk)) continue;
      pace.wait();
      await happens(response, 'drain', gone);
      pace.moved(chunk.length);
    }
    if (sentBytes !== bodyBytes) throw new Error(`the body of a reply has ${sentBytes} bytes instead of ${bodyBytes}`);
  } catch (thrown) {
    if (gone.aborted) return false;
    request.socket.destroy();
    throw thrown;
  }
  await end(response, pace, gone);
  return response.writableFinished && !gone.aborted;
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) yield bytes.subarray(start, start + SLICE_BYTES);
}

/** The source is let go as soon as nobody is there to take what it gives. */
function opened(body: StreamedBody, gone: AbortSignal): AsyncIterable<Uint8Array> {
  return addAbortSignal(gone, body.open());
}

async function end(response: ServerResponse, pace: Pace, gone: AbortSignal): Promise<void> {
  pace.wait();
  response.end();
  if (!response.writableFinished) await happens(response, 'finish', gone);
  pace.end();
}

/** Resolves at the event, or when nobody is there any more to wait for it. */
async function happens(response: ServerResponse, event: 'socket' | 'drain' | 'finish', gone: AbortSignal): Promise<void> {
  await once(response, event, { signal: gone }).catch(() => undefined);
}
