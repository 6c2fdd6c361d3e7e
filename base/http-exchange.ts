/**
 * One HTTP exchange with a known peer: a request with a streamed body, an answer with a streamed and
 * bounded body. TLS 1.3 with the peer's pinned key, a unix socket, or plain HTTP on this machine.
 * Redirects are not followed, and no error names a path: message ids stand in paths.
 */
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { concatBytes } from './bytes.js';
import type { Clock } from './clock.js';
import { isPosternError, messageOf, PosternError } from './errors.js';
import { answerBody, type OutgoingBody, sendBody } from './http-bodies.js';
import { type ExchangeTimeouts, Patience } from './patience.js';
import { type PeerAddress, readPeerAddress } from './peer-address.js';
import { PinnedAgent } from './pinned-agent.js';

export interface HttpPeerOptions extends PeerAddress {
  /** Connections at once. */
  readonly sockets?: number;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly clock: Clock;
}

export interface HttpTimeouts extends ExchangeTimeouts {
  /** From the first packet to a proved key. */
  readonly connectMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `open` is called again when a kept connection turns out to be dead, which shows before much of the body has left. */
  readonly body?: OutgoingBody;
  readonly answerLimitBytes: number;
  /** Instead of the peer's `wholeMs`. */
  readonly wholeMs?: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** To be read once: to its end, or to where the loop is left. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Breaks off what has not been read. Does nothing after the end. */
  cancel(): void;
}

const DEFAULT_TIMEOUTS: HttpTimeouts = { connectMs: 20_000, idleMs: 120_000, wholeMs: 900_000 };
const DEFAULT_SOCKETS = 4;
/** Our own answers need a few hundred bytes of headers. */
const ANSWER_HEADER_BYTES = 8192;
/** More than this leaves only on a connection that lives: what buffers take on both sides before a reset comes back is less. A body is not sent twice for nothing. */
const DEAD_SOCKET_BYTES = 1 << 20;

export class HttpPeer {
  /** The origin, for people. */
  readonly address: string;
  readonly #url: URL;
  readonly #agent: PinnedAgent;
  readonly #sockets: number;
  readonly #timeouts: HttpTimeouts;
  readonly #clock: Clock;

  /** Throws LINK_ADDRESS or LINK_PLAIN_HTTP for an address that must not be used. */
  constructor(options: HttpPeerOptions) {
    const { url, target } = readPeerAddress(options);
    this.address = target.address;
    this.#url = url;
    this.#clock = options.clock;
    this.#sockets = options.sockets ?? DEFAULT_SOCKETS;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#agent = new PinnedAgent({ target, sockets: this.#sockets, connectMs: this.#timeouts.connectMs, clock: this.#clock });
  }

  /** Resolves when the head of the answer is there, whatever its status. Rejects with a LINK_ error, or with what the body's source threw. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    for (let deadSockets = 0; ; deadSockets++) {
      try {
        return await this.#attempt(request);
      } catch (thrown) {
        // The peer closed a kept connection while this request was on its way into it: another try on another connection.
        if (!(thrown instanceof DeadSocket)) throw thrown;
        if (deadSockets === this.#sockets) throw thrown.failure;
      }
    }
  }

  /** Breaks off what is under way and closes the connections. */
  close(): void {
    this.#agent.destroy();
  }

  #attempt(request: HttpRequest): Promise<HttpAnswer> {
    const { address } = this;
    const client = httpRequest({
      agent: this.#agent,
      method: request.method,
      path: this.#url.pathname.replace(/\/$/, '') + request.path,
      headers: { ...request.headers, host: this.#url.host, ...(request.body === undefined ? {} : { 'content-length': request.body.bytes }) },
      maxHeaderSize: ANSWER_HEADER_BYTES,
    });
    let failure: Error | undefined;
    let earlierBytes = 0;
    client.once('socket', (socket) => (earlierBytes = socket.bytesWritten));
    const fail = (thrown: unknown): void => {
      failure ??= thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      client.destroy();
    };
    const failureOf = (thrown: unknown): Error => failure ?? unreachable(address, thrown);
    const patience = new Patience(this.#clock, address, { ...this.#timeouts, wholeMs: request.wholeMs ?? this.#timeouts.wholeMs }, fail);
    const abort = (): void => fail(new PosternError('LINK_ABORTED', `The exchange with ${address} was broken off on our side.`, { address }));
    const { signal } = request;
    signal?.addEventListener('abort', abort, { once: true });

    return new Promise((resolve, reject) => {
      client.on('response', (response) => {
        patience.pause();
        const tooLarge = new PosternError('LINK_ANSWER_TOO_LARGE', `${address} sends an answer of more than ${request.answerLimitBytes} bytes.`, {
          address,
          limitBytes: request.answerLimitBytes,
        });
        if (request.method !== 'HEAD' && Number(response.headers['content-length'] ?? 0) > request.answerLimitBytes) {
          fail(tooLarge);
          return reject(tooLarge);
        }
        const checkTotal = (totalBytes: number): void => {
          if (totalBytes <= request.answerLimitBytes) return;
          fail(tooLarge);
          throw tooLarge;
        };
        const body = answerBody({ client, response, patience, checkTotal, failureOf });
        const cancel = (): void => void client.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, cancel });
      });
      client.on('error', (thrown: NodeJS.ErrnoException) => {
        const isReset = thrown.code === 'ECONNRESET' || thrown.code === 'EPIPE';
        const sentBytes = (client.socket?.bytesWritten ?? 0) - earlierBytes;
        const dead = failure === undefined && client.reusedSocket && isReset && sentBytes <= DEAD_SOCKET_BYTES;
        reject(dead ? new DeadSocket(unreachable(address, thrown)) : failureOf(thrown));
      });
      client.on('close', () => {
        patience.end();
        signal?.removeEventListener('abort', abort);
        reject(failureOf(new Error('it closed the connection without an answer')));
      });
      if (signal?.aborted === true) return abort();
      sendBody(client, request.body, patience).catch(fail);
    });
  }
}

/** The whole answer, within the limit the request gave. */
export async function readWhole(answer: HttpAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return concatBytes(...chunks);
}

class DeadSocket extends Error {
  readonly failure: Error;

  constructor(failure: Error) {
    super('a kept connection was dead');
    this.failure = failure;
  }
}

/** What the usual system codes mean to somebody who reads a log. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket; the gateway does not run, or its data folder is another one',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ENETUNREACH: 'no network leads there',
  EHOSTUNREACH: 'no network leads there',
  ETIMEDOUT: 'the network gave no answer',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  EPROTO: 'it does not speak TLS 1.3',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it does not speak TLS 1.3',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
};

function unreachable(address: string, thrown: unknown): PosternError {
  if (isPosternError(thrown)) return thrown;
  const { code } = thrown as NodeJS.ErrnoException;
  const meaning = MEANINGS[code ?? ''] ?? (code?.startsWith('HPE_') === true ? `it does not speak HTTP (${code})` : messageOf(thrown));
  return new PosternError('LINK_UNREACHABLE', `${address} cannot be reached: ${meaning}.`, { address, ...(code === undefined ? {} : { systemCode: code }) }, { cause: thrown });
}
