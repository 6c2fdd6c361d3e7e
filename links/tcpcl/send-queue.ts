/**
 * What waits to be sent over one session. Segments of two transfers are never mixed (RFC 9174 §5.2.2), so one
 * transfer is written at a time; the next begins while the peer still works on those before.
 */
import { messageOf } from '../../base/errors.js';
import type { Freight, Outcome } from '../link.js';
import { outcomeOf } from './outcomes.js';
import type { TransferResult } from './session-output.js';

/** The way out, as the connection offers it. */
export interface SendPort {
  /** Established and not ending. */
  isOpen(): boolean;
  segmentMtuBytes(): number;
  transferMtuBytes(): number;
  begin(totalBytes: number): bigint;
  segment(transferId: bigint, parts: readonly Uint8Array[]): void;
  abandon(transferId: bigint): void;
  /** Resolves when more may be written, or never will. */
  drained(): Promise<void>;
}

/** One transfer at a time holds a segment in memory; acknowledgements of ours wait behind it on the line. */
const SEGMENT_BYTES = 64 * 1024;

/** untouched: the session ended before the peer's gateway saw any of it; another session may try. */
export type Result = Outcome | 'untouched';

class Sending {
  readonly freight: Freight;
  /** Once begun. */
  transferId: bigint | undefined;
  outcome: Result | undefined;
  readonly done: Promise<Result>;
  #resolve!: (outcome: Result) => void;

  constructor(freight: Freight) {
    this.freight = freight;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  settle(outcome: Result): void {
    this.outcome ??= outcome;
    this.#resolve(this.outcome);
  }
}

export class SendQueue {
  readonly #port: SendPort;
  readonly #waiting: Sending[] = [];
  readonly #begun = new Map<bigint, Sending>();
  #pumping = false;

  constructor(port: SendPort) {
    this.#port = port;
  }

  /** Callers keep to what the link supports in parallel: that is what bounds the queue. */
  async send(freight: Freight, signal: AbortSignal): Promise<Result> {
    const limit = this.#port.transferMtuBytes();
    if (freight.bytes > limit) return { kind: 'refused', code: 'too-large', reason: `The peer takes transfers of up to ${limit} bytes; this one has ${freight.bytes}.` };
    if (signal.aborted) return GIVEN_UP;
    const sending = new Sending(freight);
    const giveUp = (): void => this.#abandon(sending, GIVEN_UP);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.push(sending);
    void this.#pump();
    try {
      return await sending.done;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** The session says what became of a transfer. */
  settled(transferId: bigint, result: TransferResult): void {
    const turnedAway = result.kind === 'refused' && result.reason === 'session-terminating';
    this.#begun.get(transferId)?.settle(turnedAway ? 'untouched' : outcomeOf(result));
    this.#begun.delete(transferId);
  }

  /** What has not begun never will. */
  ending(): void {
    for (const sending of this.#waiting.splice(0)) sending.settle('untouched');
  }

  #abandon(sending: Sending, outcome: Outcome): void {
    if (sending.outcome !== undefined) return;
    sending.settle(outcome);
    if (sending.transferId === undefined) {
      const at = this.#waiting.indexOf(sending);
      if (at >= 0) this.#waiting.splice(at, 1);
    } else {
      this.#begun.delete(sending.transferId);
      this.#port.abandon(sending.transferId);
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#write(next);
      } catch (thrown) {
        this.#abandon(next, { kind: 'unreachable', reason: `What was to be sent could not be read: ${messageOf(thrown)}` });
      }
    }
    this.#pumping = false;
  }

  async #write(sending: Sending): Promise<void> {
    const { bytes } = sending.freight;
    const segments = cutSegments(sending.freight, Math.min(SEGMENT_BYTES, this.#port.segmentMtuBytes()));
    // A source that stands still must not hold up others when this transfer is settled.
    const settled = sending.done.then(() => undefined);
    for (;;) {
      const next = await Promise.race([segments.next(), settled]);
      if (sending.outcome !== undefined || next === undefined || next.done === true) break;
      if (sending.transferId === undefined) {
        if (!this.#port.isOpen()) return sending.settle('untouched');
        sending.transferId = this.#port.begin(bytes);
        this.#begun.set(sending.transferId, sending);
      }
      this.#port.segment(sending.transferId, next.value);
      await this.#port.drained();
    }
    // Not awaited: the source may stand still. Whatever it says now, the transfer is over for it.
    void segments.return().catch(() => undefined);
  }
}

const GIVEN_UP: Outcome = { kind: 'unreachable', reason: 'The send was given up.' };

/** The freight in segments, as pieces that lie one behind the other. Nothing at all is one empty segment. */
async function* cutSegments(freight: Freight, segmentBytes: number): AsyncGenerator<Uint8Array[], void> {
  let parts: Uint8Array[] = [];
  let gatheredBytes = 0;
  let leftBytes = freight.bytes;
  if (leftBytes === 0) yield parts;
  for await (const chunk of freight.open()) {
    for (let rest = chunk; rest.length > 0; ) {
      if (leftBytes === 0) throw new Error(`the freight has more than its ${freight.bytes} bytes`);
      const part = rest.subarray(0, Math.min(rest.length, segmentBytes - gatheredBytes, leftBytes));
      rest = rest.subarray(part.length);
      parts.push(part);
      gatheredBytes += part.length;
      leftBytes -= part.length;
      if (gatheredBytes < segmentBytes && leftBytes > 0) continue;
      yield parts;
      parts = [];
      gatheredBytes = 0;
    }
  }
  if (leftBytes > 0) throw new Error(`the freight ended ${leftBytes} bytes short of ${freight.bytes}`);
}
