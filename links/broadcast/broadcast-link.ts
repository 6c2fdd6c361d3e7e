/**
 * The link `broadcast`: one way only. What is sent goes out with redundancy, in rounds, and is `written` when they are
 * over; whether it arrived the neighbour says over another link. What is heard is delivered once it is whole.
 */
import { strict as assert } from 'node:assert';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { SETTLED, type Deliver, type Freight, type Link, type LinkStatus, type LinkSupport, type Outcome } from '../link.js';
import type { BroadcastCrypto, Party } from './broadcast-crypto.js';
import type { BroadcastListener } from './broadcast-listener.js';
import { OutgoingObject } from './outgoing-object.js';
import { macKeyOf } from './packets.js';
import type { Sender } from './reassembly.js';
import { UDP_HEAD_BYTES, type Rounds, type Transmitter } from './transmitter.js';

export interface Outbound {
  /** Shared by all links to the same address. */
  readonly transmitter: Transmitter;
  readonly rounds: Rounds;
  readonly datagramBytes: number;
  readonly extraPercent: number;
}

export interface BroadcastLinkOptions {
  readonly neighbour: string;
  readonly us: Party;
  readonly peer: Party;
  /** Known to all who hear us, and to nobody else. */
  readonly secret?: Uint8Array;
  /** Absent: we only listen. */
  readonly outbound?: Outbound;
  /** Absent: we only send. */
  readonly listener?: BroadcastListener;
  readonly largestBytes: number;
  readonly parallel: number;
  readonly crypto: BroadcastCrypto;
  readonly clock: Clock;
  readonly log?: (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;
}

/** A link that only listens and has heard nothing for so long is idle. */
const SILENCE_MS = 60_000;

export class BroadcastLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  /** Never called: a mark proves little, and whoever sends a whole batch is heard of by it. */
  onSignOfLife?: (() => void) | undefined;
  readonly #options: BroadcastLinkOptions;
  readonly #macKey: Uint8Array;
  readonly #sender: Sender;
  readonly #atWork = new Set<Promise<unknown>>();
  #deliver: Deliver | undefined;
  #stopped: Promise<void> = Promise.resolve();
  #heardMs = Number.NEGATIVE_INFINITY;
  #status: LinkStatus = { state: 'stopped', sentBytes: 0, receivedBytes: 0 };

  constructor(options: BroadcastLinkOptions) {
    const { neighbour, us, peer, secret, outbound, listener, largestBytes, parallel, crypto } = options;
    assert(outbound !== undefined || listener !== undefined, 'a link sends or listens');
    this.#options = options;
    this.name = `${neighbour}/broadcast`;
    const expansion = outbound === undefined ? 1 : outbound.rounds.count * (1 + outbound.extraPercent / 100) * (1 + UDP_HEAD_BYTES / outbound.datagramBytes);
    this.supports = { carries: 'batch', answers: false, repeats: true, expansion, largestBytes, parallel: outbound === undefined ? 0 : parallel };
    this.#macKey = macKeyOf(crypto, us.publicKey, secret);
    this.#sender = {
      ...peer,
      ...(secret !== undefined && { secret }),
      largestBytes,
      heard: (bytes) => this.#heard(bytes),
      deliver: (object) => this.#track(this.#arrived(object)),
    };
  }

  /** @throws LINK_LISTEN, LINK_FOLDER */
  async start(deliver: Deliver): Promise<void> {
    await this.#stopped;
    const { outbound, listener } = this.#options;
    await outbound?.transmitter.open();
    // What a kill has left whole is delivered before anything is heard.
    this.#deliver = deliver;
    try {
      await listener?.attach(this.#sender);
    } catch (thrown) {
      this.#deliver = undefined;
      await outbound?.transmitter.close();
      throw thrown;
    }
    this.#note({ state: 'idle' });
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    const { outbound } = this.#options;
    if (this.#deliver === undefined) return { kind: 'unreachable', reason: `${this.name} is stopped.` };
    if (outbound === undefined) return { kind: 'unreachable', reason: `${this.name} only listens: it has no address to send to.` };
    if (freight.bytes > this.supports.largestBytes) {
      return { kind: 'refused', code: 'too-large', reason: `${this.name} carries ${this.supports.largestBytes} bytes at most; this batch has ${freight.bytes}.` };
    }
    return this.#track(this.#transmit(outbound, freight, signal));
  }

  /** Rounds that are under way go on to their end, unless the signal of their send says otherwise. */
  stop(): Promise<void> {
    if (this.#deliver !== undefined) {
      this.#deliver = undefined;
      this.#stopped = this.#end();
    }
    return this.#stopped;
  }

  status(): LinkStatus {
    const { state, ...rest } = this.#status;
    const silent = this.#options.outbound === undefined && this.#options.clock.monotonicMs() - this.#heardMs >= SILENCE_MS;
    const limits = this.#options.listener?.limits();
    return { ...rest, state: state === 'up' && silent ? 'idle' : state, ...(limits !== undefined && { limits }) };
  }

  async #end(): Promise<void> {
    const { outbound, listener } = this.#options;
    await listener?.detach(this.#sender);
    await Promise.allSettled(this.#atWork);
    await outbound?.transmitter.close();
    this.#note({ state: 'stopped' });
  }

  async #transmit(outbound: Outbound, freight: Freight, signal: AbortSignal): Promise<Outcome> {
    const { us, peer, crypto } = this.#options;
    const { transmitter, rounds, datagramBytes, extraPercent } = outbound;
    const bytes = await gather(freight, signal);
    if (bytes === undefined) return endedBy(signal);
    const object = new OutgoingObject(bytes, { crypto, macKey: this.#macKey, from: us.id, to: peer.id, datagramBytes, extraPercent });
    const sent = await transmitter.send(object, rounds, signal, (count) => this.#note({ state: 'up', sentBytes: this.#status.sentBytes + count }));
    if (sent.kind === 'failed') {
      this.#note({ state: 'down', lastError: sent.reason });
      return { kind: 'unreachable', reason: sent.reason };
    }
    // One whole round is what may have sufficed: a receipt will tell.
    return sent.kind === 'sent' || sent.rounds > 0 ? { kind: 'written' } : endedBy(signal);
  }

  #heard(bytes: number): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#note({ state: 'up', receivedBytes: this.#status.receivedBytes + bytes, lastContactMs: this.#options.clock.nowMs() });
  }

  async #arrived(object: Uint8Array): Promise<void> {
    try {
      const result = await this.#deliver?.({ peer: this.#options.neighbour, bytes: once(object) });
      if (result?.kind === 'refused') this.#options.log?.('info', 'what a broadcast brought was refused', { code: result.code });
    } catch (thrown) {
      this.#options.log?.('warn', 'an arrival could not be dealt with', { reason: messageOf(thrown) });
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#atWork.add(work);
    return work.finally(() => this.#atWork.delete(work));
  }

  #note(change: Partial<LinkStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}

function endedBy(signal: AbortSignal): Outcome {
  return signal.reason === SETTLED ? { kind: 'written' } : { kind: 'unreachable', reason: 'The send was given up.' };
}

/** The freight in one piece: the code needs all of it. Undefined when `signal` says so first. */
async function gather(freight: Freight, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(freight.bytes);
  const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  if (signal.aborted) return undefined;
  const chunks = freight.open()[Symbol.asyncIterator]();
  let offset = 0;
  for (;;) {
    const next = await Promise.race([chunks.next(), aborted]);
    if (next === undefined) {
      void chunks.return?.();
      return undefined;
    }
    if (next.done === true) break;
    assert(offset + next.value.length <= bytes.length, 'the freight is longer than it says');
    bytes.set(next.value, offset);
    offset += next.value.length;
  }
  assert.equal(offset, bytes.length, 'the freight is shorter than it says');
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
