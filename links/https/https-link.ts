/**
 * The link `https`: each unit is a batch, POSTed to the neighbour's own listener; its receipts come home
 * in the answer to the same request. It listens to nothing: what the neighbour sends on its own account
 * arrives at our own listener.
 */
import { AssertionError } from 'node:assert';
import { asBuffer, concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { isPosternError, messageOf } from '../../base/errors.js';
import { type HttpAnswer, HttpPeer, type HttpTimeouts } from '../../base/http-exchange.js';
import type { PeerAddress } from '../../base/peer-address.js';
import type { Deliver, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../link.js';

export interface HttpsLinkOptions {
  /** The neighbour's name. */
  readonly neighbour: string;
  /** The base URL of its listener, and its pinned key. */
  readonly address: PeerAddress;
  readonly largestBytes: number;
  readonly parallel: number;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly clock: Clock;
}

const BATCH_PATH = '/fmp/1/batch';
const BATCH_TYPE = 'application/fmp-batch';
/** Receipts, refusals and wants for a full batch of 4096 records with long range lists fit in. */
const ANSWER_LIMIT_BYTES = 16 << 20;
/** What a peer may take for a batch: this, and its bytes at the slowest rate at which it is still worth to go on. */
const WHOLE_MS = 15 * 60_000;
const SLOWEST_BYTES_PER_MS = 1;
const WORDS_LIMIT_BYTES = 65_536;
const SHOWN_CHARACTERS = 300;
/** A neighbour cannot send us away for longer than this. */
const LONGEST_RETRY_AFTER_SEC = 86_400;

export class HttpsLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  /** Never called: a neighbour that comes to us is met by our listener. */
  onSignOfLife?: (() => void) | undefined;
  readonly #options: HttpsLinkOptions;
  readonly #atWork = new Set<Promise<Outcome>>();
  #open: { readonly peer: HttpPeer; readonly deliver: Deliver } | undefined;
  #status: LinkStatus = { state: 'stopped', sentBytes: 0, receivedBytes: 0 };

  constructor(options: HttpsLinkOptions) {
    this.#options = options;
    this.name = `${options.neighbour}/https`;
    this.supports = { carries: 'batch', answers: true, largestBytes: options.largestBytes, parallel: options.parallel, sendsAsItReads: true };
  }

  async start(deliver: Deliver): Promise<void> {
    const { address, parallel, timeouts, clock } = this.#options;
    const peer = new HttpPeer({ ...address, sockets: parallel, clock, ...(timeouts === undefined ? {} : { timeouts }) });
    this.#open = { peer, deliver };
    this.#note({ state: 'idle' });
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    if (this.#open === undefined) return { kind: 'unreachable', reason: `${this.name} is stopped.` };
    if (freight.bytes > this.supports.largestBytes) {
      return { kind: 'refused', code: 'too-large', reason: `${this.name} carries ${this.supports.largestBytes} bytes at most; this batch has ${freight.bytes}.` };
    }
    const work = this.#exchange(this.#open.peer, this.#open.deliver, freight, signal);
    this.#atWork.add(work);
    try {
      return await work;
    } finally {
      this.#atWork.delete(work);
    }
  }

  async stop(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await Promise.allSettled(this.#atWork);
    open?.peer.close();
    if (this.#open === undefined) this.#note({ state: 'stopped' });
  }

  status(): LinkStatus {
    return this.#status;
  }

  async #exchange(peer: HttpPeer, deliver: Deliver, freight: Freight, signal: AbortSignal): Promise<Outcome> {
    try {
      const answer = await peer.exchange({
        method: 'POST',
        path: BATCH_PATH,
        headers: { 'content-type': BATCH_TYPE },
        body: { bytes: freight.bytes, open: () => this.#counted(freight.open(), 'sentBytes') },
        answerLimitBytes: ANSWER_LIMIT_BYTES,
        wholeMs: WHOLE_MS + freight.bytes / SLOWEST_BYTES_PER_MS,
        signal,
      });
      const outcome = await this.#outcomeOf(answer, deliver);
      this.#note({ state: 'up', lastContactMs: this.#options.clock.nowMs() });
      return outcome;
    } catch (thrown) {
      if (thrown instanceof AssertionError) throw thrown;
      const reason = messageOf(thrown);
      this.#note({ state: 'down', lastError: reason });
      return isPosternError(thrown) && thrown.code === 'LINK_ANSWER_TOO_LARGE' ? { kind: 'refused', code: 'bad-answer', reason } : { kind: 'unreachable', reason };
    }
  }

  async #outcomeOf(answer: HttpAnswer, deliver: Deliver): Promise<Outcome> {
    try {
      if (answer.status === 200) return await this.#deliver(answer, deliver);
      const words = await readWords(answer);
      return answer.status === 204 ? { kind: 'confirmed' } : refusalOf(this.name, answer, words);
    } finally {
      answer.cancel();
    }
  }

  async #deliver(answer: HttpAnswer, deliver: Deliver): Promise<Outcome> {
    let fault: Error | undefined;
    const bytes = this.#counted(answer.body, 'receivedBytes', (thrown) => (fault = thrown as Error));
    const result = await deliver({ peer: this.#options.neighbour, bytes });
    // Whatever the gateway made of half an answer: the exchange broke, and is to be tried again.
    if (fault !== undefined) throw fault;
    if (result.kind === 'taken') return { kind: 'confirmed' };
    return { kind: 'refused', code: 'bad-answer', reason: `${this.name} answered with what is no answer to a batch (${result.code}).` };
  }

  async *#counted(bytes: AsyncIterable<Uint8Array>, counter: 'sentBytes' | 'receivedBytes', onFault?: (thrown: unknown) => void): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of bytes) {
        this.#note({ [counter]: this.#status[counter] + chunk.length });
        yield chunk;
      }
    } catch (thrown) {
      onFault?.(thrown);
      throw thrown;
    }
  }

  #note(change: Partial<LinkStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}

/** What the peer says to its no. A short one is read to its end, so that the connection can be used again; a long one is broken off. */
async function readWords(answer: HttpAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > WORDS_LIMIT_BYTES) break;
    chunks.push(chunk);
  }
  const text = asBuffer(concatBytes(...chunks)).toString('utf8');
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS);
}

function refusalOf(name: string, answer: HttpAnswer, words: string): Outcome {
  const { status } = answer;
  if (status === 404) {
    return { kind: 'refused', code: 'not-known', reason: `${name}: the peer does not know us. It must have our public key, and the address must be that of its listener.` };
  }
  if (status === 400) {
    return { kind: 'refused', code: 'not-acceptable', reason: `${name}: the peer could make nothing of the batch (${words}).` };
  }
  if (status === 429 || status === 503) {
    const retryAfterMs = retryAfterMsOf(answer);
    return { kind: 'refused', code: 'no-resources', reason: `${name}: the peer is busy (${status}).`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (status >= 300 && status < 400) {
    return { kind: 'refused', code: `http-${status}`, reason: `${name}: the peer points elsewhere (${status}). Batches follow no redirect; set the address it should have.` };
  }
  return { kind: 'refused', code: `http-${status}`, reason: `${name}: the peer answered ${status}.` };
}

/** Seconds only: the other form of Retry-After is a date, and clocks are not to be trusted (RFC 9110 §10.2.3). */
function retryAfterMsOf(answer: HttpAnswer): number | undefined {
  const text = answer.headers['retry-after'];
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  return Math.min(Number(text), LONGEST_RETRY_AFTER_SEC) * 1000;
}
