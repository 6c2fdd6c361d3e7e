/**
 * What this end sends: units wait, become blocks, and share the pace, one segment of each block in turn, so that a
 * small one never waits behind a large one. Of a block under way it holds no bytes but a chunk for what goes for
 * the first time and a chunk for what goes again.
 */
import type { Random } from '../../base/random.js';
import type { Freight, Outcome } from '../link.js';
import { BlockReader } from './block-reader.js';
import { OutboundSession, type NextSegment, type OutboundTerms } from './outbound-session.js';
import { cancelCode, outcomeOfCancel, type CancelReason } from './reasons.js';
import { Recent } from './recent.js';
import type { CancelSegment, ControlSegment, ReportSegment, SessionId } from './segments.js';

export interface OutboundOptions extends OutboundTerms {
  readonly engineId: bigint;
  /** Whether blocks are acknowledged, or written and forgotten. */
  readonly colour: 'red' | 'green';
  /** Units that wait together become one block of at most so many bytes; a larger unit is one alone. */
  readonly aggregateBytes: number;
  readonly random: Random;
  /** There may be something to send. */
  ready(): void;
  /** Cancels a session of ours, again and again until the far end has heard. */
  cancel(segment: CancelSegment): void;
}

interface Unit {
  readonly freight: Freight;
  settle(outcome: Outcome): void;
  fail(thrown: Error): void;
  readonly signal: AbortSignal;
}

interface Job {
  readonly session: OutboundSession;
  readonly units: Set<Unit>;
  readonly fresh: BlockReader;
  readonly again: BlockReader;
  queued: boolean;
}

export interface Departure {
  readonly segment: NextSegment;
  readonly data: readonly Uint8Array[];
  /** It has left. @returns when to call `tick`, if this changes it */
  sent(nowMs: number): number | undefined;
}

/** Our sessions that have ended: a late report of one is acknowledged, and nothing else. */
const ENDED_SESSIONS = 4096;
/** RFC 5326 §8.2: numbers that begin anywhere, 1 to this; those of this start and of the one before hardly meet. */
const NUMBERS = 2n ** 32n - 2n;
/** The session that never is: cancelling it is a word that only asks for another, as HDTN does with a number of 62 bits. */
export const HELLO_NUMBER = 2n ** 32n - 1n;
/** RFC 5326 §3.2.1: the first checkpoint is numbered at random, in 14 bits. */
const FIRST_SERIALS = 2 ** 14 - 1;
/** Blocks that leave for the first time at once, beside small ones: with more of them all would be whole later. */
const FIRST_PASSES = 4;
/** What is no larger is never kept waiting by others. */
const SMALL_BYTES = 64 * 1024;
const GIVEN_UP: Outcome = { kind: 'unreachable', reason: 'The send was given up.' };

export class Outbound {
  readonly #options: OutboundOptions;
  /** What is small never waits for its turn; of what is large a few at a time are sent. */
  readonly #small: Unit[] = [];
  readonly #large: Unit[] = [];
  readonly #jobs = new Map<bigint, Job>();
  /** Jobs that may have a segment to send, in turn. */
  readonly #turn: Job[] = [];
  /** Those of which some byte has not left yet. */
  readonly #firstPasses = new Set<Job>();
  readonly #ended = new Recent<bigint, true>(ENDED_SESSIONS);
  #nextNumber: bigint;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#nextNumber = (fourBytes(options.random) % NUMBERS) + 1n;
  }

  /** What has not left yet of what is under way. */
  get backlogBytes(): number {
    const waiting = [...this.#small, ...this.#large].reduce((sum, { freight }) => sum + freight.bytes, 0);
    return [...this.#firstPasses].reduce((sum, { session }) => sum + session.unsentBytes, waiting);
  }

  get busy(): boolean {
    return this.#small.length + this.#large.length + this.#jobs.size > 0;
  }

  send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const end = (): void => signal.removeEventListener('abort', giveUp);
      const unit: Unit = {
        freight,
        signal,
        settle(outcome) {
          end();
          resolve(outcome);
        },
        fail(thrown) {
          end();
          reject(thrown);
        },
      };
      const giveUp = (): void => this.#giveUp(unit);
      signal.addEventListener('abort', giveUp, { once: true });
      (freight.bytes <= SMALL_BYTES ? this.#small : this.#large).push(unit);
      this.#options.ready();
    });
  }

  /** The next segment with its data; undefined while there is none. */
  next(): Departure | undefined {
    this.#admit();
    for (let job = this.#turn.shift(); job !== undefined; job = this.#turn.shift()) {
      job.queued = false;
      const departure = this.#departureOf(job);
      if (departure !== undefined) return departure;
    }
    return undefined;
  }

  /** @returns what to answer */
  onReport(report: ReportSegment, nowMs: number): ControlSegment | undefined {
    const { session, serial } = report;
    const job = this.#jobs.get(session.number);
    // RFC 5326 §6.13 acknowledges every report. One of a session from before a restart gets to know that there is no more to come.
    if (job === undefined && !this.#ended.has(session.number)) return { kind: 'cancel', session, by: 'sender', reason: cancelCode('system-cancelled') };
    job?.session.onReport(report, nowMs);
    if (job !== undefined) this.#look(job);
    return { kind: 'report-ack', session, serial };
  }

  onCancel({ session, reason }: CancelSegment): void {
    const job = this.#jobs.get(session.number);
    if (job !== undefined) this.#end(job, outcomeOfCancel(reason));
  }

  /** @returns when to call it again */
  tick(nowMs: number): number {
    let nextMs = Infinity;
    for (const job of [...this.#jobs.values()]) {
      nextMs = Math.min(nextMs, job.session.tick(nowMs) ?? Infinity);
      this.#look(job);
    }
    return nextMs;
  }

  /** Gives up all that is under way. */
  stop(reason: string): void {
    const outcome: Outcome = { kind: 'unreachable', reason };
    for (const unit of [...this.#small.splice(0), ...this.#large.splice(0)]) unit.settle(outcome);
    for (const job of [...this.#jobs.values()]) this.#cancel(job, 'system-cancelled', outcome);
  }

  #admit(): void {
    while (this.#small.length > 0 && !this.#gathers()) this.#begin(this.#small);
    while (this.#large.length > 0 && this.#firstPasses.size < FIRST_PASSES) this.#begin(this.#large);
  }

  /** Small units wait for the ones before them to leave, so that there is something to put together. */
  #gathers(): boolean {
    return this.#options.aggregateBytes > 0 && [...this.#firstPasses].some(({ session }) => session.totalBytes <= Math.max(SMALL_BYTES, this.#options.aggregateBytes));
  }

  /** Units that wait together travel together, as long as they are small. */
  #begin(waiting: Unit[]): void {
    const units = waiting.splice(0, 1);
    let bytes = units[0]!.freight.bytes;
    for (let unit = waiting[0]; unit !== undefined && bytes + unit.freight.bytes <= this.#options.aggregateBytes; unit = waiting[0]) {
      units.push(...waiting.splice(0, 1));
      bytes += unit.freight.bytes;
    }
    const { colour, random } = this.#options;
    const id = this.#newId();
    const firstSerial = 1n + BigInt(Math.floor(random.fraction() * FIRST_SERIALS));
    const freights = units.map(({ freight }) => freight);
    const ready = (): void => {
      this.#enqueue(job);
      this.#options.ready();
    };
    // A green block of nothing has no segment that says so.
    const redBytes = colour === 'red' || bytes === 0 ? bytes : 0;
    const job: Job = {
      session: new OutboundSession(id, bytes, redBytes, firstSerial, this.#options),
      units: new Set(units),
      fresh: new BlockReader(freights, ready),
      again: new BlockReader(freights, ready),
      queued: false,
    };
    this.#jobs.set(id.number, job);
    this.#firstPasses.add(job);
    this.#enqueue(job);
  }

  #newId(): SessionId {
    const number = this.#nextNumber;
    this.#nextNumber = (number % NUMBERS) + 1n;
    return { originator: this.#options.engineId, number };
  }

  #departureOf(job: Job): Departure | undefined {
    const segment = job.session.next();
    if (segment === undefined) return undefined;
    const reader = segment.again ? job.again : job.fresh;
    const data = reader.read(segment.head.offset, segment.head.length);
    if (data === undefined) {
      if (reader.failure !== undefined) this.#break(job, reader.failure);
      return undefined;
    }
    return {
      segment,
      data,
      sent: (nowMs) => {
        const dueMs = job.session.sent(segment, nowMs);
        if (job.session.allSent) this.#firstPasses.delete(job);
        this.#look(job);
        return dueMs;
      },
    };
  }

  /** What has become of a job, after anything that may have changed it. */
  #look(job: Job): void {
    const { session } = job;
    switch (session.state) {
      case 'open':
        if (session.next() !== undefined) this.#enqueue(job);
        return;
      case 'done':
        return this.#end(job, this.#options.colour === 'green' ? { kind: 'written' } : { kind: 'confirmed' });
      case 'retransmission-limit':
        return this.#cancel(job, session.state, { kind: 'unreachable', reason: 'The peer does not answer.' });
      case 'retransmission-cycles':
        return this.#cancel(job, session.state, { kind: 'unreachable', reason: 'Too much is lost on the way.' });
    }
  }

  #enqueue(job: Job): void {
    if (job.queued || !this.#jobs.has(job.session.id.number)) return;
    job.queued = true;
    // What goes again comes first: the far end holds the rest of its block.
    if (job.session.next()?.again === true) this.#turn.unshift(job);
    else this.#turn.push(job);
  }

  #giveUp(unit: Unit): void {
    unit.settle(GIVEN_UP);
    for (const waiting of [this.#small, this.#large]) if (waiting.includes(unit)) waiting.splice(waiting.indexOf(unit), 1);
    for (const job of this.#jobs.values()) {
      // Others in the same block have not been given up.
      if (job.units.delete(unit) && job.units.size === 0) this.#cancel(job, 'client-cancelled', GIVEN_UP);
    }
  }

  #break(job: Job, thrown: Error): void {
    for (const unit of job.units) unit.fail(thrown);
    job.units.clear();
    this.#cancel(job, 'system-cancelled', GIVEN_UP);
  }

  #cancel(job: Job, reason: CancelReason, outcome: Outcome): void {
    this.#end(job, outcome);
    this.#options.cancel({ kind: 'cancel', session: job.session.id, by: 'sender', reason: cancelCode(reason) });
  }

  #end(job: Job, outcome: Outcome): void {
    const { number } = job.session.id;
    this.#jobs.delete(number);
    this.#firstPasses.delete(job);
    this.#ended.set(number, true);
    job.fresh.close();
    job.again.close();
    for (const unit of job.units) unit.settle(outcome);
  }
}

function fourBytes(random: Random): bigint {
  return random.bytes(4).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
