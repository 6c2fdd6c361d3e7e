/**
 * The LTP link to one neighbour (RFC 5326): blocks over datagrams, for minutes of light. Nothing is asked of the
 * peer before data flows; what is lost is reported and sent again; a session lives on while the link is down. A unit
 * is confirmed when the whole red part is reported, which our own kind does once its gateway has dealt with it.
 */
import { strict as assert } from 'node:assert';
import type { Clock } from '../../base/clock.js';
import { isPosternError } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { Arrival, Deliver, DeliverResult, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../link.js';
import { takeOr } from '../take.js';
import { BlockRoom } from './block-buffer.js';
import { Cancellations } from './cancellations.js';
import { ALWAYS_OPEN, Light, type ContactSource } from './contacts.js';
import type { Datagrams } from './datagrams.js';
import { Inbound } from './inbound.js';
import { HELLO_NUMBER, Outbound } from './outbound.js';
import { Pump, type Outgoing } from './pump.js';
import { cancelCode } from './reasons.js';
import { decodeSegment, encodeControl, encodeDataHead, type ControlSegment, type Segment } from './segments.js';

export interface LtpLinkOptions {
  /** The neighbour's name in the configuration: names the link, and whatever arrives. */
  readonly neighbour: string;
  readonly engineId: number;
  readonly peerEngineId: number;
  readonly datagrams: Datagrams;
  readonly lightTimeMs: number;
  /** What the far end and the queues on the way may take beyond the light time. */
  readonly marginMs: number;
  /** LTP gives way to nobody: this is what the contact bears, headers of IP and UDP included. */
  readonly rateBytesPerSec: number;
  readonly contacts?: ContactSource;
  /** The largest datagram, without the headers of IP and UDP. */
  readonly segmentBytes?: number;
  /** The largest unit, both ways. */
  readonly largestBytes?: number;
  /** Sends under way at once. */
  readonly parallel?: number;
  /** Blocks of the peer's under way at once. */
  readonly sessions?: number;
  readonly retransmissions?: number;
  readonly checkpointEveryBytes?: number;
  /** Units that wait together become one block. 0: each is a block of its own, as HDTN wants it. */
  readonly aggregateBytes?: number;
  /** Green: written and forgotten. */
  readonly colour?: 'red' | 'green';
  /** The units in a block of several, for peers that make such. Absent: a block is a unit. */
  readonly unitsOf?: (block: Uint8Array) => Uint8Array[];
  readonly drainMs?: number;
  /** Where blocks of the peer's gather. Absent: memory for `sessions` of the largest. */
  readonly room?: Pick<BlockRoom, 'makeBuffer' | 'limits'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: LtpLog;
}

export type LtpLog = (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;

/** Fits an Ethernet frame under a tunnel or two. */
const DEFAULT_SEGMENT_BYTES = 1400;
const DEFAULT_LARGEST_BYTES = 2 * 1024 * 1024;
const DEFAULT_PARALLEL = 16;
const DEFAULT_SESSIONS = 32;
const DEFAULT_RETRANSMISSIONS = 7;
const DEFAULT_CHECKPOINT_EVERY_BYTES = 4 * 1024 * 1024;
const DEFAULT_DRAIN_MS = 5000;
/** A report of many claims has to fit a segment: two numbers of five bytes each, beside its head. */
const REPORT_HEAD_BYTES = 80;
const CLAIM_BYTES = 10;
/** ION 4.1.3 gives and takes so many claims in a report, and no more. */
const MOST_CLAIMS = 20;
/** Answers that wait while the link is down; the peer asks again for those that were dropped. */
const WAITING_ANSWERS = 1024;
/** RFC 7116: the Bundle Protocol as a client of LTP. */
const BUNDLES = 1n;
const DRAIN_STEP_MS = 20;

export class LtpLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife: (() => void) | undefined;
  readonly #options: LtpLinkOptions;
  readonly #clock: Clock;
  readonly #light: Light;
  readonly #pump: Pump;
  readonly #room: Pick<BlockRoom, 'makeBuffer' | 'limits'>;
  readonly #engine: bigint;
  readonly #peerEngine: bigint;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #cancellations: Cancellations;
  readonly #answers: ControlSegment[] = [];
  #state: 'stopped' | 'started' | 'stopping' = 'stopped';
  #stopped: Promise<void> = Promise.resolve();
  #deliver: Deliver | undefined;
  /** Whether the peer was heard since the link came up or a send failed. */
  #heard = false;
  #lastContactMs: number | undefined;
  #lastError: string | undefined;
  #receivedBytes = 0;

  constructor(options: LtpLinkOptions) {
    const { neighbour, clock, random, largestBytes = DEFAULT_LARGEST_BYTES, parallel = DEFAULT_PARALLEL, segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
    this.#options = options;
    this.#clock = clock;
    this.name = `${neighbour}/ltp`;
    this.supports = { carries: 'bundle', answers: false, largestBytes, parallel, keepsContacts: true };
    this.#engine = BigInt(options.engineId);
    this.#peerEngine = BigInt(options.peerEngineId);
    this.#light = new Light({ clock, contacts: options.contacts ?? ALWAYS_OPEN, rateBytesPerSec: options.rateBytesPerSec, lightTimeMs: options.lightTimeMs, marginMs: options.marginMs });
    this.#pump = new Pump({
      clock,
      light: this.#light,
      datagrams: options.datagrams,
      segmentBytes,
      next: () => this.#next(),
      tick: (nowMs) => Math.min(this.#outbound.tick(nowMs), this.#inbound.tick(nowMs), this.#cancellations.tick(nowMs)),
    });
    const sessions = options.sessions ?? DEFAULT_SESSIONS;
    this.#room = options.room ?? new BlockRoom(sessions * largestBytes);
    const shared = {
      retransmissions: options.retransmissions ?? DEFAULT_RETRANSMISSIONS,
      answerDueMs: (sentMs: number) => this.#light.answerDueMs(sentMs),
      random,
      ready: () => this.#pump.run(),
      cancel: (segment: Parameters<Cancellations['add']>[0]) => this.#cancellations.add(segment),
    };
    this.#cancellations = new Cancellations(shared);
    this.#outbound = new Outbound({
      ...shared,
      engineId: this.#engine,
      segmentBytes,
      client: BUNDLES,
      checkpointEveryBytes: options.checkpointEveryBytes ?? DEFAULT_CHECKPOINT_EVERY_BYTES,
      aggregateBytes: Math.min(options.aggregateBytes ?? 0, largestBytes),
      colour: options.colour ?? 'red',
    });
    this.#inbound = new Inbound({
      ...shared,
      largestBytes,
      sessions,
      claims: Math.max(1, Math.min(MOST_CLAIMS, Math.floor((segmentBytes - REPORT_HEAD_BYTES) / CLAIM_BYTES))),
      makeBuffer: () => this.#room.makeBuffer(),
      deliver: (bytes) => this.#take(bytes),
    });
  }

  /** @throws LINK_LISTEN */
  async start(deliver: Deliver): Promise<void> {
    await this.#stopped;
    assert.equal(this.#state, 'stopped', 'a link is started once');
    this.#deliver = deliver;
    this.#state = 'started';
    try {
      await this.#options.datagrams.open((datagram) => this.#onDatagram(datagram));
    } catch (thrown) {
      this.#state = 'stopped';
      throw thrown;
    }
    // A sign of life: who waits with something for us need not wait for its next attempt.
    this.#cancellations.add({ kind: 'cancel', session: { originator: this.#engine, number: HELLO_NUMBER }, by: 'sender', reason: cancelCode('client-cancelled') });
    this.#pump.start();
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    if (this.#state !== 'started') return { kind: 'unreachable', reason: 'The link is stopped.' };
    if (signal.aborted) return { kind: 'unreachable', reason: 'The send was given up.' };
    if (freight.bytes > this.supports.largestBytes) return { kind: 'refused', code: 'too-large', reason: `A unit of ${freight.bytes} bytes is more than the ${this.supports.largestBytes} of this link.` };
    const outcome = await this.#outbound.send(freight, signal);
    if (outcome.kind === 'unreachable' && this.#state === 'started' && !signal.aborted) {
      this.#heard = false;
      this.#lastError = outcome.reason;
    }
    return outcome;
  }

  stop(): Promise<void> {
    if (this.#state === 'started') {
      this.#state = 'stopping';
      this.#stopped = this.#end();
    }
    return this.#stopped;
  }

  status(): LinkStatus {
    return {
      state: this.#standing(),
      ...(this.#lastContactMs !== undefined && { lastContactMs: this.#lastContactMs }),
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
      sentBytes: this.#pump.sentBytes,
      receivedBytes: this.#receivedBytes,
      limits: [this.#inbound.limit(), ...this.#room.limits((this.#options.sessions ?? DEFAULT_SESSIONS) * this.supports.largestBytes)],
    };
  }

  backlogBytes(): number {
    return this.#outbound.backlogBytes;
  }

  #standing(): LinkStatus['state'] {
    if (this.#state !== 'started') return 'stopped';
    if (!this.#light.isOpen()) return 'idle';
    if (this.#heard) return 'up';
    return this.#lastError === undefined ? 'idle' : 'down';
  }

  #onDatagram(datagram: Uint8Array): void {
    if (this.#state === 'stopped') return;
    let segment: Segment;
    try {
      segment = decodeSegment(datagram);
    } catch (thrown) {
      if (!isPosternError(thrown)) throw thrown;
      // Damage on the way, or somebody who can put the peer's address on a datagram: as good as lost.
      this.#log('debug', 'a datagram was no segment', { code: thrown.code, reason: thrown.message });
      return;
    }
    if (!this.#isForUs(segment)) return;
    this.#receivedBytes += datagram.length;
    this.#lastContactMs = this.#clock.nowMs();
    const answer = this.#act(segment);
    if (answer !== undefined && this.#answers.length < WAITING_ANSWERS) this.#answers.push(answer);
    if (!this.#heard) {
      this.#heard = true;
      this.#lastError = undefined;
      this.onSignOfLife?.();
    }
    this.#pump.run();
  }

  /** Sessions belong to who opened them: the peer's are named by its engine, ours by our own. */
  #isForUs(segment: Segment): boolean {
    const fromSender = segment.kind === 'data' || segment.kind === 'report-ack' || (segment.kind === 'cancel' && segment.by === 'sender') || (segment.kind === 'cancel-ack' && segment.by === 'receiver');
    return segment.session.originator === (fromSender ? this.#peerEngine : this.#engine);
  }

  #act(segment: Segment): ControlSegment | undefined {
    const nowMs = this.#clock.monotonicMs();
    const { session } = segment;
    switch (segment.kind) {
      case 'data': {
        const answer = this.#state === 'started' ? this.#inbound.onData(segment, nowMs) : undefined;
        this.#pump.wakeBy(this.#light.answerDueMs(nowMs));
        return answer;
      }
      case 'report':
        return this.#outbound.onReport(segment, nowMs);
      case 'report-ack':
        this.#inbound.onReportAck(segment);
        return undefined;
      case 'cancel':
        // Also for sessions nobody knows: HDTN asks in this way whether somebody is there.
        if (segment.by === 'sender') this.#inbound.onCancel(segment);
        else this.#outbound.onCancel(segment);
        return { kind: 'cancel-ack', session, by: segment.by };
      case 'cancel-ack':
        this.#cancellations.onAck(segment);
        return undefined;
    }
  }

  #take(bytes: AsyncIterable<Uint8Array>): Promise<DeliverResult> {
    const warn = this.#log.bind(this);
    return this.#options.unitsOf === undefined ? takeOr(this.#deliver!, { peer: this.#options.neighbour, bytes }, warn) : takeOr((arrival) => this.#takeEach(arrival), { bytes }, warn);
  }

  /** The report is for the whole block: it is refused if nothing of it was taken. Receipts tell the rest. */
  async #takeEach({ bytes }: Arrival): Promise<DeliverResult> {
    const { neighbour, unitsOf } = this.#options;
    let result: DeliverResult | undefined;
    for (const unit of unitsOf!(await gather(bytes))) {
      const verdict = await this.#deliver!({ peer: neighbour, bytes: each(unit) });
      if (result?.kind !== 'taken') result = verdict;
    }
    return result ?? { kind: 'taken' };
  }

  /** Answers first, then cancellations, reports, data. */
  #next(): Outgoing | undefined {
    const answer = this.#answers.shift();
    if (answer !== undefined) return { parts: [encodeControl(answer)], sent: () => undefined };
    const cancel = this.#cancellations.next();
    if (cancel !== undefined) return { parts: [encodeControl(cancel)], sent: (nowMs) => this.#cancellations.sent(cancel, nowMs) };
    const report = this.#inbound.nextReport();
    if (report !== undefined) return { parts: [encodeControl(report.segment)], sent: (nowMs) => report.sent(nowMs) };
    const departure = this.#outbound.next();
    return departure === undefined ? undefined : { parts: [encodeDataHead(departure.segment.head), ...departure.data], sent: (nowMs) => departure.sent(nowMs) };
  }

  /** What is under way may end in order for a while; the peer is told of the rest. */
  async #end(): Promise<void> {
    const endMs = this.#clock.monotonicMs() + (this.#options.drainMs ?? DEFAULT_DRAIN_MS);
    while (this.#unfinished() && this.#clock.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => void this.#clock.timer(DRAIN_STEP_MS, resolve));
    }
    this.#outbound.stop('The link is stopped.');
    this.#inbound.stop();
    this.#pump.stop();
    this.#state = 'stopped';
    this.#answers.length = 0;
    this.#cancellations.clear();
    this.#heard = false;
    await this.#options.datagrams.close();
  }

  #unfinished(): boolean {
    return this.#outbound.busy || this.#inbound.busy || this.#answers.length > 0;
  }

  #log(level: Parameters<LtpLog>[0], message: string, data: Parameters<LtpLog>[2]): void {
    this.#options.log?.(level, message, { link: this.name, ...data });
  }
}

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

async function* each(unit: Uint8Array): AsyncIterable<Uint8Array> {
  yield unit;
}
