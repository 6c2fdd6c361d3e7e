/**
 * The receiving half of one LTP session (RFC 5326 §6): what has come, which reports are owed, which timer has run
 * out. The report that says that everything has come is held back until the gateway has dealt with the block, so
 * that "reported" means "dealt with" (docs/decisions/0080).
 */
import { Intervals } from './intervals.js';
import type { CancelReason } from './reasons.js';
import { Recent } from './recent.js';
import type { DataSegment, ReportSegment, SessionId } from './segments.js';

export interface InboundTerms {
  /** The largest block. */
  readonly largestBytes: number;
  /** Claims in one report segment. */
  readonly claims: number;
  /** How often a report is sent again, and how many answer times a silent session is kept beyond the first. */
  readonly retransmissions: number;
  answerDueMs(sentMs: number): number;
}

/** open: bytes are missing. whole: the gateway is at it. dealt: it has taken the block. */
export type InboundState = 'open' | 'whole' | 'dealt';

export type Verdict =
  /** Bytes of the segment that were new. */
  | { readonly kind: 'taken'; readonly newBytes: number }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason };

interface OwedReport {
  readonly segment: ReportSegment;
  sentMs: number;
  /** 0 while it waits to leave. */
  dueMs: number;
  tries: number;
}

/** Ranges that a peer can make us remember, each some tens of bytes: a block of 16 MiB in segments of 256 bytes, every other one lost. */
const MOST_RANGES = 32_768;
/** Checkpoints and reports remembered, the latest: more are under way only where somebody plays. */
const MOST_CHECKPOINTS = 1024;
const MOST_REPORTS = 256;
const IGNORED: Verdict = { kind: 'ignored' };

export class InboundSession {
  readonly id: SessionId;
  readonly #terms: InboundTerms;
  readonly #received = new Intervals();
  readonly #checkpoints = new Recent<bigint, true>(MOST_CHECKPOINTS);
  /** Checkpoints that came when the block was whole: answered when it has been dealt with. */
  readonly #held: bigint[] = [];
  readonly #reports = new Map<bigint, OwedReport>();
  readonly #bounds = new Recent<bigint, readonly [lower: number, upper: number]>(MOST_CHECKPOINTS);
  #nextSerial: bigint;
  #redEnd: number | undefined;
  #blockEnd: number | undefined;
  #greenStart = Infinity;
  #primaryUpper = 0;
  #silentDueMs: number;
  #silences = 0;
  state: InboundState = 'open';

  constructor(id: SessionId, firstSerial: bigint, terms: InboundTerms, nowMs: number) {
    this.id = id;
    this.#nextSerial = firstSerial;
    this.#terms = terms;
    this.#silentDueMs = terms.answerDueMs(nowMs);
  }

  /** The length of a block that is whole. */
  get totalBytes(): number {
    return this.#blockEnd ?? 0;
  }

  /** Some report is owed or not acknowledged yet. */
  get owes(): boolean {
    return this.#reports.size > 0 || this.#held.length > 0;
  }

  /** What to do with the bytes of a data segment; `nextReport` gives the reports it asks for. */
  onData(segment: DataSegment, nowMs: number): Verdict {
    const { offset, length, colour } = segment;
    const end = offset + length;
    if (end > this.#terms.largestBytes) return { kind: 'cancel', reason: 'client-cancelled' };
    if (this.#isMiscoloured(segment)) return { kind: 'cancel', reason: 'miscoloured' };
    if (end > (this.#blockEnd ?? Infinity) || (segment.blockEnd && (end < this.#received.end || end !== (this.#blockEnd ?? end)))) return IGNORED;
    if (this.#received.count >= MOST_RANGES && !this.#received.covers(offset, end)) return IGNORED;
    this.#silences = 0;
    this.#silentDueMs = this.#terms.answerDueMs(nowMs);
    if (segment.redEnd) this.#redEnd = end;
    if (segment.blockEnd) this.#blockEnd = end;
    if (colour === 'green') this.#greenStart = Math.min(this.#greenStart, offset);
    const newBytes = this.#received.add(offset, end);
    if (this.state === 'open' && this.#blockEnd !== undefined && this.#received.covers(0, this.#blockEnd)) this.state = 'whole';
    if (segment.checkpoint !== undefined) this.#onCheckpoint(segment.checkpoint, end);
    return { kind: 'taken', newBytes };
  }

  /** The gateway has taken the block: what was held back may be said. */
  dealt(): void {
    this.state = 'dealt';
    for (const checkpoint of this.#held) this.#owe(checkpoint, 0, this.#redEnd ?? 0);
    this.#held.length = 0;
  }

  onReportAck(serial: bigint): void {
    this.#reports.delete(serial);
  }

  /** A report that has to leave; the same until `reportSent` is called. */
  nextReport(): ReportSegment | undefined {
    for (const { dueMs, segment } of this.#reports.values()) if (dueMs === 0) return segment;
    return undefined;
  }

  /** @returns when to call `tick` */
  reportSent(serial: bigint, nowMs: number): number | undefined {
    const report = this.#reports.get(serial);
    if (report === undefined) return undefined;
    report.sentMs = nowMs;
    return (report.dueMs = this.#terms.answerDueMs(nowMs));
  }

  /** Looks after the timers. @returns when to call it again, or that the session has no hope left */
  tick(nowMs: number): number | 'lost' {
    let nextMs = Infinity;
    for (const report of this.#reports.values()) {
      if (report.dueMs === 0) continue;
      if (report.dueMs <= nowMs) report.dueMs = this.#terms.answerDueMs(report.sentMs);
      if (report.dueMs > nowMs) {
        nextMs = Math.min(nextMs, report.dueMs);
      } else if (++report.tries > this.#terms.retransmissions) {
        return 'lost';
      } else {
        report.dueMs = 0;
      }
    }
    if (this.state === 'whole') return nextMs;
    if (this.#silentDueMs <= nowMs) {
      if (++this.#silences > this.#terms.retransmissions + 1) return 'lost';
      this.#silentDueMs = this.#terms.answerDueMs(nowMs);
    }
    return Math.min(nextMs, this.#silentDueMs);
  }

  /** RFC 5326 §6.21: red bytes behind the red part, or green ones in it. */
  #isMiscoloured({ colour, offset, length, redEnd }: DataSegment): boolean {
    const end = offset + length;
    if (colour === 'green') return offset < (this.#redEnd ?? 0);
    if (end > Math.min(this.#redEnd ?? Infinity, this.#greenStart)) return true;
    return redEnd && end !== (this.#redEnd ?? end);
  }

  #onCheckpoint({ serial, report }: NonNullable<DataSegment['checkpoint']>, end: number): void {
    if (this.#checkpoints.has(serial)) {
      for (const owed of this.#reports.values()) if (owed.segment.checkpoint === serial) owed.dueMs = 0;
      return;
    }
    this.#checkpoints.set(serial, true);
    // A block with a green part may never be whole: its red part is reported as it comes.
    if (this.state === 'whole' && this.#redEnd === this.#blockEnd) {
      if (this.#held.length < MOST_REPORTS) this.#held.push(serial);
      return;
    }
    const [lower, upper] = report === 0n ? this.#primaryBounds(end) : (this.#bounds.get(report) ?? [0, end]);
    if (this.state === 'dealt') this.#owe(serial, 0, Math.max(this.#redEnd ?? 0, upper));
    else this.#owe(serial, lower, Math.max(upper, lower));
  }

  /** RFC 5326 §6.11: a primary report goes on where the one before ended. */
  #primaryBounds(upper: number): readonly [number, number] {
    const lower = this.#primaryUpper < upper ? this.#primaryUpper : 0;
    this.#primaryUpper = Math.max(this.#primaryUpper, upper);
    return [lower, upper];
  }

  /** As many segments as the claims take, each with bounds of its own. */
  #owe(checkpoint: bigint, lower: number, upper: number): void {
    const claims = this.#received.within(lower, upper);
    let from = lower;
    do {
      const some = claims.splice(0, this.#terms.claims);
      const to = claims.length === 0 ? upper : some.at(-1)![1];
      if (this.#reports.size >= MOST_REPORTS) return;
      const segment: ReportSegment = { kind: 'report', session: this.id, serial: this.#nextSerial++, checkpoint, lower: from, upper: to, claims: some };
      this.#reports.set(segment.serial, { segment, sentMs: 0, dueMs: 0, tries: 0 });
      this.#bounds.set(segment.serial, [from, to]);
      from = to;
    } while (claims.length > 0);
  }
}
