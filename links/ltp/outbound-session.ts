/**
 * The sending half of one LTP session (RFC 5326 §6): which segment goes next, what a report means, which timer has
 * run out. It knows times and sizes, no bytes: they are read when a segment leaves.
 */
import { strict as assert } from 'node:assert';
import { Intervals, type Interval } from './intervals.js';
import { Recent } from './recent.js';
import { sdnvBytes } from './sdnv.js';
import type { DataHead, ReportSegment, SessionId } from './segments.js';

export interface OutboundTerms {
  /** Of one segment with its head. */
  readonly segmentBytes: number;
  readonly client: bigint;
  /** A block longer than this has checkpoints on the way, so that what is lost is known before it ends. */
  readonly checkpointEveryBytes: number;
  /** How often a checkpoint is sent again. */
  readonly retransmissions: number;
  answerDueMs(sentMs: number): number;
}

/** A segment that may leave now. `again`: its bytes have left before. */
export interface NextSegment {
  readonly head: DataHead;
  readonly again: boolean;
}

export type OutboundState = 'open' | 'done' | 'retransmission-limit' | 'retransmission-cycles';

/** A report with gaps starts a round: at 20 % loss a block of 16 MiB takes about ten; more than this is no link. */
const MOST_ROUNDS = 100;
/** Reports remembered, the latest, so that one that comes twice starts nothing twice. */
const MOST_REPORTS = 1024;
/** Serial numbers of our own have 32 bits at most. */
const SERIAL_BYTES = 5;

interface Checkpoint {
  readonly head: DataHead;
  sentMs: number;
  dueMs: number;
  tries: number;
  /** It waits to be sent again. */
  late: boolean;
}

/** What one report was missing. */
interface Round {
  readonly report: bigint;
  readonly rest: Intervals;
  readonly flown: Intervals;
  /** The checkpoint that ends it, once that has left. */
  closedBy?: bigint;
}

export class OutboundSession {
  readonly id: SessionId;
  readonly totalBytes: number;
  readonly #redBytes: number;
  readonly #terms: OutboundTerms;
  readonly #plainBytes: number;
  readonly #acked = new Intervals();
  readonly #checkpoints = new Map<bigint, Checkpoint>();
  readonly #rounds: Round[] = [];
  readonly #reportsSeen = new Recent<bigint, true>(MOST_REPORTS);
  #nextSerial: bigint;
  #sentBytes = 0;
  #sinceCheckpointBytes = 0;
  #endSent = false;
  #reported = false;
  #roundCount = 0;
  #lastReport = 0n;
  /** Set while all is answered and not all is acknowledged: the far end owes a report we know nothing of. */
  #stuckDueMs: number | undefined;
  state: OutboundState = 'open';

  /** @param redBytes what of the block is acknowledged and sent again; the rest is green */
  constructor(id: SessionId, totalBytes: number, redBytes: number, firstSerial: bigint, terms: OutboundTerms) {
    assert(redBytes <= totalBytes, 'the red part is a part of the block');
    this.id = id;
    this.totalBytes = totalBytes;
    this.#redBytes = redBytes;
    this.#nextSerial = firstSerial;
    this.#terms = terms;
    const numbers = sdnvBytes(id.originator) + sdnvBytes(id.number) + sdnvBytes(terms.client) + sdnvBytes(totalBytes) + sdnvBytes(terms.segmentBytes);
    this.#plainBytes = terms.segmentBytes - 2 - numbers;
    assert(this.#checkpointBytes(2n ** 63n) > 0, 'a segment has room for data');
  }

  /** Every byte has left once. */
  get allSent(): boolean {
    return this.#endSent;
  }

  /** What has not left once. */
  get unsentBytes(): number {
    return this.totalBytes - this.#sentBytes;
  }

  /** The next segment, or undefined while there is nothing to do but wait. The same until `sent` is called. */
  next(): NextSegment | undefined {
    if (this.state !== 'open') return undefined;
    for (const checkpoint of this.#checkpoints.values()) if (checkpoint.late) return { head: checkpoint.head, again: true };
    for (const round of this.#rounds) {
      const range = round.rest.first();
      if (range !== undefined) return { head: this.#ofRound(round, range), again: true };
    }
    return this.#endSent ? undefined : { head: this.#fresh(), again: false };
  }

  /** The segment that `next` gave has left. @returns when to call `tick`, if this changes it */
  sent({ head, again }: NextSegment, nowMs: number): number | undefined {
    const end = head.offset + head.length;
    const serial = head.checkpoint?.serial;
    if (!again) {
      this.#sentBytes = end;
      this.#endSent = head.blockEnd;
      this.#sinceCheckpointBytes = serial === undefined ? this.#sinceCheckpointBytes + head.length : 0;
    } else if (serial === undefined || !this.#checkpoints.has(serial)) {
      const round = this.#rounds.find(({ rest }) => rest.bytes > 0);
      round?.rest.remove(head.offset, end);
      round?.flown.add(head.offset, end);
      if (round !== undefined && serial !== undefined) round.closedBy = serial;
    }
    if (serial === undefined) {
      this.#finishIfDone();
      return undefined;
    }
    const dueMs = this.#terms.answerDueMs(nowMs);
    const known = this.#checkpoints.get(serial);
    if (known === undefined) {
      this.#nextSerial = serial + 1n;
      this.#checkpoints.set(serial, { head, sentMs: nowMs, dueMs, tries: 0, late: false });
    } else {
      Object.assign(known, { sentMs: nowMs, dueMs, tries: known.tries + 1, late: false });
    }
    this.#finishIfDone();
    return dueMs;
  }

  onReport(report: ReportSegment, nowMs: number): void {
    if (this.state !== 'open') return;
    if (report.upper > this.#sentBytes || report.upper > this.#redBytes) return;
    for (const [start, end] of report.claims) this.#acknowledge(start, end);
    this.#checkpoints.delete(report.checkpoint);
    this.#drop((round) => round.closedBy === report.checkpoint);
    this.#reported = true;
    this.#lastReport = report.serial;
    if (!this.#reportsSeen.has(report.serial)) this.#startRound(report);
    this.#reportsSeen.set(report.serial, true);
    this.#finishIfDone();
    this.#watchForStandstill(nowMs);
  }

  /** Looks after the timers. @returns when to call it again */
  tick(nowMs: number): number | undefined {
    if (this.state !== 'open') return undefined;
    let nextMs = Infinity;
    for (const checkpoint of this.#checkpoints.values()) {
      if (checkpoint.late) continue;
      // The plan of contacts may have changed since.
      if (checkpoint.dueMs <= nowMs) checkpoint.dueMs = this.#terms.answerDueMs(checkpoint.sentMs);
      if (checkpoint.dueMs > nowMs) nextMs = Math.min(nextMs, checkpoint.dueMs);
      else if (checkpoint.tries >= this.#terms.retransmissions) this.state = 'retransmission-limit';
      else checkpoint.late = true;
    }
    this.#watchForStandstill(nowMs);
    if (this.#stuckDueMs !== undefined && this.#stuckDueMs <= nowMs) {
      this.#stuckDueMs = undefined;
      this.#rounds.length = 0;
      this.#newRound(this.#lastReport, this.#acked.gaps(0, this.#redBytes));
    }
    nextMs = Math.min(nextMs, this.#stuckDueMs ?? Infinity);
    return nextMs === Infinity ? undefined : nextMs;
  }

  #acknowledge(start: number, end: number): void {
    this.#acked.add(start, end);
    for (const round of this.#rounds) round.rest.remove(start, end);
    this.#drop((round) => round.rest.bytes === 0 && round.closedBy === undefined && this.#isAcked(round.flown));
  }

  #isAcked(set: Intervals): boolean {
    return set.within(0, this.#redBytes).every(([start, end]) => this.#acked.covers(start, end));
  }

  #drop(which: (round: Round) => boolean): void {
    for (let index = this.#rounds.length - 1; index >= 0; index--) if (which(this.#rounds[index]!)) this.#rounds.splice(index, 1);
  }

  /** What a report misses, but for what left after the checkpoint that it answers: of that it says nothing. */
  #startRound({ serial, checkpoint, lower, upper }: ReportSegment): void {
    const missing = new Intervals();
    for (const [start, end] of this.#acked.gaps(lower, upper)) missing.add(start, end);
    for (const round of this.#rounds) {
      if (round.closedBy !== undefined && round.closedBy <= checkpoint) continue;
      for (const set of [round.rest, round.flown]) for (const [start, end] of set.within(lower, upper)) missing.remove(start, end);
    }
    if (missing.bytes > 0) this.#newRound(serial, missing.within(lower, upper));
  }

  #newRound(report: bigint, missing: readonly Interval[]): void {
    if (++this.#roundCount > MOST_ROUNDS) {
      this.state = 'retransmission-cycles';
      return;
    }
    const rest = new Intervals();
    for (const [start, end] of missing) rest.add(start, end);
    this.#rounds.push({ report, rest, flown: new Intervals() });
  }

  #watchForStandstill(nowMs: number): void {
    const waits = this.#checkpoints.size > 0 || !this.#endSent || this.#rounds.some(({ rest }) => rest.bytes > 0);
    if (waits || this.state !== 'open') this.#stuckDueMs = undefined;
    else this.#stuckDueMs ??= this.#terms.answerDueMs(nowMs);
  }

  #finishIfDone(): void {
    if (!this.#endSent || !this.#acked.covers(0, this.#redBytes)) return;
    // A block of nothing has nothing to acknowledge but itself.
    if (this.totalBytes === 0 && !this.#reported) return;
    if (this.state === 'open') this.state = 'done';
  }

  #fresh(): DataHead {
    const offset = this.#sentBytes;
    if (this.totalBytes > 0 && offset >= this.#redBytes) {
      const length = Math.min(this.#plainBytes, this.totalBytes - offset);
      return this.#head('green', offset, length);
    }
    const left = this.#redBytes - offset;
    const withCheckpoint = this.#checkpointBytes(0n);
    if (left <= withCheckpoint) return this.#head('red', offset, left, 0n);
    if (this.#sinceCheckpointBytes >= this.#terms.checkpointEveryBytes) return this.#head('red', offset, withCheckpoint, 0n);
    return this.#head('red', offset, left > this.#plainBytes ? this.#plainBytes : withCheckpoint);
  }

  /** The last segment of a round is a checkpoint that names the report (RFC 5326 §6.13). */
  #ofRound({ report, rest }: Round, [start, end]: Interval): DataHead {
    const withCheckpoint = this.#checkpointBytes(report);
    const length = end - start;
    if (rest.bytes <= withCheckpoint && rest.count === 1) return this.#head('red', start, length, report);
    const last = rest.count === 1 && length <= this.#plainBytes;
    return this.#head('red', start, last ? withCheckpoint : Math.min(length, this.#plainBytes));
  }

  #head(colour: 'red' | 'green', offset: number, length: number, report?: bigint): DataHead {
    const end = offset + length;
    const { id, totalBytes } = this;
    const redEnd = colour === 'red' && end === this.#redBytes && report !== undefined;
    const blockEnd = end === totalBytes && (colour === 'green' || redEnd);
    return { kind: 'data', session: id, colour, redEnd, blockEnd, client: this.#terms.client, offset, length, ...(report !== undefined && { checkpoint: { serial: this.#nextSerial, report } }) };
  }

  #checkpointBytes(report: bigint): number {
    return this.#plainBytes - SERIAL_BYTES - sdnvBytes(report);
  }
}
