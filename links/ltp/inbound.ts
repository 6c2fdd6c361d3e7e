/**
 * What the peer sends: sessions, the bytes of their blocks until they are whole, the handing over to the gateway, and
 * the memory of sessions that have ended. Blocks, sessions and memory are bounded whatever the peer does.
 */
import type { Random } from '../../base/random.js';
import type { DeliverResult, LinkLimit } from '../link.js';
import type { BlockBuffer } from './block-buffer.js';
import { InboundSession, type InboundTerms } from './inbound-session.js';
import { cancelCode, cancelReasonOf, type CancelReason } from './reasons.js';
import { Recent } from './recent.js';
import type { CancelSegment, ControlSegment, DataSegment, ReportAck, ReportSegment, SessionId } from './segments.js';

export interface InboundOptions extends InboundTerms {
  /** Blocks under way at once, those that wait for the gateway included. */
  readonly sessions: number;
  readonly random: Random;
  makeBuffer(): BlockBuffer;
  /** A block that is whole. Never rejects. */
  deliver(bytes: AsyncIterable<Uint8Array>): Promise<DeliverResult>;
  /** There may be something to send. */
  ready(): void;
  /** Cancels a session of the peer's, again and again until it has heard. */
  cancel(segment: CancelSegment): void;
}

interface Open {
  readonly session: InboundSession;
  /** Gone once the gateway has the bytes. */
  buffer: BlockBuffer | undefined;
}

/** How a session has ended: what its sender is told if it asks again. */
type Ended = { readonly kind: 'dealt'; readonly bytes: number } | { readonly kind: 'cancelled'; readonly reason: CancelReason };

export interface OwedReport {
  readonly segment: ReportSegment;
  /** It has left. @returns when to call `tick`, if this changes it */
  sent(nowMs: number): number | undefined;
}

/** The memory of RFC 5326 §8.2 against replays; a batch that comes twice all the same is known by its records. */
const ENDED_SESSIONS = 4096;
/** RFC 5326 §3.2.2: the first report is numbered at random, in 14 bits. */
const FIRST_SERIALS = 2 ** 14 - 1;

export class Inbound {
  readonly #options: InboundOptions;
  readonly #open = new Map<bigint, Open>();
  readonly #ended = new Recent<bigint, Ended>(ENDED_SESSIONS);
  /** Sessions that may have a report to send. */
  readonly #owing = new Set<InboundSession>();
  #buffers = 0;
  #refused = 0;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Some block is with the gateway, or its report has not left yet. */
  get busy(): boolean {
    return [...this.#open.values()].some(({ session }) => session.state === 'whole' || (session.state === 'dealt' && session.nextReport() !== undefined));
  }

  limit(): LinkLimit {
    return { name: 'blocks arriving', unit: 'count', used: this.#buffers, most: this.#options.sessions, refused: this.#refused };
  }

  /** @returns what to answer at once */
  onData(segment: DataSegment, nowMs: number): ControlSegment | undefined {
    const { number } = segment.session;
    const ended = this.#ended.get(number);
    if (ended !== undefined && !this.#open.has(number)) return answerOfEnded(segment, ended);
    const open = this.#open.get(number) ?? this.#begin(segment.session, nowMs);
    // Nothing is kept of one session too many: its sender is told when it asks, not for each of its segments.
    if (open === undefined) return segment.checkpoint === undefined ? undefined : this.#refuse(segment.session);
    const { session, buffer } = open;
    const wasOpen = session.state === 'open';
    const verdict = session.onData(segment, nowMs);
    if (verdict.kind === 'cancel') this.#cancel(session, verdict.reason);
    else if (verdict.kind === 'taken' && verdict.newBytes > 0 && buffer?.write(segment.offset, segment.data) === false) {
      // Even if this was the last segment: the gateway never gets to see it.
      this.#free(open);
      this.#cancel(session, 'system-cancelled');
      return undefined;
    }
    if (wasOpen && session.state !== 'open') void this.#handOver(open);
    if (session.nextReport() !== undefined) this.#owing.add(session);
    return undefined;
  }

  onReportAck({ session, serial }: ReportAck): void {
    const open = this.#open.get(session.number);
    open?.session.onReportAck(serial);
    if (open !== undefined) this.#endIfDone(open.session);
  }

  onCancel({ session }: CancelSegment): void {
    const open = this.#open.get(session.number);
    // The gateway has the bytes already: it finishes, and nobody is told.
    if (open !== undefined && open.session.state !== 'whole') this.#end(open.session, { kind: 'cancelled', reason: 'client-cancelled' });
  }

  /** The next report; undefined while none is owed. */
  nextReport(): OwedReport | undefined {
    for (const session of this.#owing) {
      const segment = session.nextReport();
      if (segment !== undefined) return { segment, sent: (nowMs) => session.reportSent(segment.serial, nowMs) };
      this.#owing.delete(session);
    }
    return undefined;
  }

  /** @returns when to call it again */
  tick(nowMs: number): number {
    let nextMs = Infinity;
    for (const { session } of [...this.#open.values()]) {
      const result = session.tick(nowMs);
      if (result !== 'lost') nextMs = Math.min(nextMs, result);
      else if (session.state === 'dealt') this.#end(session, { kind: 'dealt', bytes: session.totalBytes });
      else this.#cancel(session, 'retransmission-limit');
      if (session.nextReport() !== undefined) this.#owing.add(session);
    }
    return nextMs;
  }

  /** Forgets blocks that are not whole, and tells their sender. */
  stop(): void {
    for (const { session } of [...this.#open.values()]) {
      if (session.state === 'open') this.#cancel(session, 'system-cancelled');
      else this.#end(session, { kind: 'dealt', bytes: session.totalBytes });
    }
  }

  #refuse(session: SessionId): CancelSegment {
    this.#refused += 1;
    return cancelOf(session, 'system-cancelled');
  }

  #begin(id: SessionId, nowMs: number): Open | undefined {
    if (this.#buffers >= this.#options.sessions || this.#open.size >= ENDED_SESSIONS) return undefined;
    const firstSerial = 1n + BigInt(Math.floor(this.#options.random.fraction() * FIRST_SERIALS));
    const open = { session: new InboundSession(id, firstSerial, this.#options, nowMs), buffer: this.#options.makeBuffer() };
    this.#open.set(id.number, open);
    this.#buffers++;
    return open;
  }

  async #handOver(open: Open): Promise<void> {
    const { session } = open;
    const result = await this.#options.deliver(open.buffer!.read(session.totalBytes));
    this.#free(open);
    if (this.#open.get(session.id.number) !== open) return;
    if (result.kind === 'refused') {
      this.#cancel(session, cancelReasonOf(result));
    } else {
      session.dealt();
      if (session.owes) this.#owing.add(session);
      this.#endIfDone(session);
    }
    this.#options.ready();
  }

  /** A block that was dealt with and reported needs its bytes no more; nor does a green one, of which nobody is told. */
  #endIfDone(session: InboundSession): void {
    if (session.state === 'dealt' && !session.owes) this.#end(session, { kind: 'dealt', bytes: session.totalBytes });
  }

  #cancel(session: InboundSession, reason: CancelReason): void {
    this.#end(session, { kind: 'cancelled', reason });
    this.#options.cancel(cancelOf(session.id, reason));
  }

  #end(session: InboundSession, ended: Ended): void {
    const open = this.#open.get(session.id.number);
    // Bytes that the gateway is reading stay until it has done.
    if (open !== undefined && session.state !== 'whole') this.#free(open);
    this.#open.delete(session.id.number);
    this.#owing.delete(session);
    this.#ended.set(session.id.number, ended);
  }

  #free(open: Open): void {
    if (open.buffer === undefined) return;
    open.buffer.free();
    open.buffer = undefined;
    this.#buffers--;
  }
}

/** Only a checkpoint asks. A report lost on its way home is said again, without a timer: the sender asks until it has it. */
function answerOfEnded({ session, checkpoint }: DataSegment, ended: Ended): ControlSegment | undefined {
  if (checkpoint === undefined) return undefined;
  if (ended.kind === 'cancelled') return cancelOf(session, ended.reason);
  const { bytes } = ended;
  return { kind: 'report', session, serial: checkpoint.serial, checkpoint: checkpoint.serial, lower: 0, upper: bytes, claims: bytes === 0 ? [] : [[0, bytes]] };
}

function cancelOf(session: SessionId, reason: CancelReason): CancelSegment {
  return { kind: 'cancel', session, by: 'receiver', reason: cancelCode(reason) };
}
