/** What a session has to do when nothing happens: keepalives, and the ends of patience (RFC 9174 §5.1.1, §6). Times are monotonic milliseconds. */
import type { SessionTerms } from './session-terms.js';

export type WatchEvent =
  /** The greetings took too long. */
  | 'handshake'
  | 'keepalive'
  | 'silence'
  /** A transfer does not move. */
  | 'standstill'
  /** An ending session is not over. */
  | 'drain'
  | 'idle';

/** Where the session stands. */
export interface Standing {
  readonly established: boolean;
  readonly ending: boolean;
  /** The peer owes us the rest of a transfer. */
  readonly expectsData: boolean;
  /** The peer owes us acknowledgements. */
  readonly expectsAcks: boolean;
  /** Some transfer, in either direction, is not settled. */
  readonly busy: boolean;
}

/** RFC 9174 §5.1.1: silence for twice the keepalive interval is the end. */
const SILENT_INTERVALS = 2;
/** The answer to SESS_TERM costs the peer nothing; when no transfer is in hand it is not waited for longer. */
const TERM_ANSWER_MS = 3000;

export class SessionWatch {
  readonly #handshakeEndMs: number;
  #terms: SessionTerms | undefined;
  #keepaliveMs = 0;
  /** The driver reads from the connection. While it does not, silence is our own doing. */
  #reading = true;
  #sentMs: number;
  #heardMs: number;
  /** The last byte of a transfer from the peer. */
  #arrivedMs: number;
  /** The last message that was more than a keepalive. */
  #movedMs: number;
  /** The last sign that the peer takes what we send. */
  #takenMs: number;
  #endingMs = 0;

  constructor(startMs: number, handshakeMs: number) {
    this.#handshakeEndMs = startMs + handshakeMs;
    this.#sentMs = this.#heardMs = this.#arrivedMs = this.#movedMs = this.#takenMs = startMs;
  }

  establish(terms: SessionTerms, keepaliveSec: number, nowMs: number): void {
    this.#terms = terms;
    this.#keepaliveMs = 1000 * keepaliveSec;
    this.#movedMs = nowMs;
  }

  sent(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  arrived(nowMs: number): void {
    this.#arrivedMs = nowMs;
  }

  moved(nowMs: number): void {
    this.#movedMs = nowMs;
  }

  taken(nowMs: number): void {
    this.#takenMs = nowMs;
  }

  ending(nowMs: number): void {
    this.#endingMs = nowMs;
  }

  /** The driver has stopped reading, or reads again. */
  reading(on: boolean, nowMs: number): void {
    if (!this.#reading) this.#heardMs = this.#arrivedMs = this.#takenMs = nowMs;
    this.#reading = on;
  }

  deadlines(standing: Standing): { atMs: number; event: WatchEvent }[] {
    const terms = this.#terms;
    if (!standing.established || terms === undefined) return [{ atMs: this.#handshakeEndMs, event: 'handshake' }];
    const list: { atMs: number; event: WatchEvent }[] = [];
    if (this.#keepaliveMs > 0) list.push({ atMs: this.#sentMs + this.#keepaliveMs, event: 'keepalive' });
    if (this.#reading) {
      if (this.#keepaliveMs > 0) list.push({ atMs: this.#heardMs + SILENT_INTERVALS * this.#keepaliveMs, event: 'silence' });
      if (standing.expectsData) list.push({ atMs: this.#arrivedMs + terms.progressMs, event: 'standstill' });
      if (standing.expectsAcks) list.push({ atMs: this.#takenMs + terms.progressMs, event: 'standstill' });
    }
    if (standing.ending) list.push({ atMs: this.#endingMs + (standing.busy ? terms.drainMs : Math.min(terms.drainMs, TERM_ANSWER_MS)), event: 'drain' });
    else if (terms.idleMs !== undefined && !standing.busy) list.push({ atMs: this.#movedMs + terms.idleMs, event: 'idle' });
    return list;
  }
}
