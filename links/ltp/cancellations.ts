/** Our cancellations that the far end has not acknowledged yet (RFC 5326 §6.15 to §6.18): each is sent again a few times and then forgotten. */
import type { CancelAck, CancelSegment } from './segments.js';

export interface CancellationTerms {
  readonly retransmissions: number;
  answerDueMs(sentMs: number): number;
}

interface Cancellation {
  readonly segment: CancelSegment;
  sentMs: number;
  /** 0 while it waits to leave. */
  dueMs: number;
  tries: number;
}

/** The newest beyond this are not told: the far end's own timers will do. */
const MOST = 256;

export class Cancellations {
  readonly #terms: CancellationTerms;
  readonly #open = new Map<string, Cancellation>();

  constructor(terms: CancellationTerms) {
    this.#terms = terms;
  }

  add(segment: CancelSegment): void {
    if (this.#open.size < MOST) this.#open.set(keyOf(segment), { segment, sentMs: 0, dueMs: 0, tries: 0 });
  }

  onAck(ack: CancelAck): void {
    this.#open.delete(keyOf(ack));
  }

  /** The next that has to leave. */
  next(): CancelSegment | undefined {
    for (const { dueMs, segment } of this.#open.values()) if (dueMs === 0) return segment;
    return undefined;
  }

  /** It has left. @returns when to call `tick` */
  sent(segment: CancelSegment, nowMs: number): number | undefined {
    const known = this.#open.get(keyOf(segment));
    if (known === undefined) return undefined;
    known.sentMs = nowMs;
    return (known.dueMs = this.#terms.answerDueMs(nowMs));
  }

  /** @returns when to call it again */
  tick(nowMs: number): number {
    let nextMs = Infinity;
    for (const [key, known] of this.#open) {
      if (known.dueMs === 0) continue;
      if (known.dueMs <= nowMs) known.dueMs = this.#terms.answerDueMs(known.sentMs);
      if (known.dueMs > nowMs) nextMs = Math.min(nextMs, known.dueMs);
      else if (++known.tries > this.#terms.retransmissions) this.#open.delete(key);
      else known.dueMs = 0;
    }
    return nextMs;
  }

  clear(): void {
    this.#open.clear();
  }
}

function keyOf({ by, session }: CancelSegment | CancelAck): string {
  return `${by}/${session.number}`;
}
