/**
 * The carousel of one address: objects of all neighbours that hear it take turns on one socket, at one rate. Each round of
 * an object is spread over some time, so that a gap on the line takes a part of it and not the whole.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { DatagramSender } from './datagrams.js';
import type { OutgoingObject } from './outgoing-object.js';

export interface TransmitterOptions {
  readonly sender: DatagramSender;
  readonly rateBytesPerSec: number;
  readonly clock: Clock;
}

export interface Rounds {
  readonly count: number;
  /** Between the end of a round and the beginning of the next. */
  readonly pauseMs: number;
  /** A round takes at least so long. */
  readonly spreadMs: number;
}

/** @property rounds how many were over when it ended */
export type Sent = { readonly kind: 'sent' } | { readonly kind: 'given-up'; readonly rounds: number } | { readonly kind: 'failed'; readonly reason: string };

interface Turn {
  readonly object: OutgoingObject;
  readonly rounds: Rounds;
  readonly onSent: (bytes: number) => void;
  readonly end: (result: Sent) => void;
  packet: Uint8Array | undefined;
  roundsLeft: number;
  dueMs: number;
}

/** What IPv4 and UDP put before each datagram: part of the rate. */
export const UDP_HEAD_BYTES = 28;
/** Packets that fall due together may leave together, up to so much time's worth. */
const BUCKET_MS = 50;
const BUCKET_PACKETS = 2;
/** Who is behind its time catches up by so much at most, so that newcomers get their turn. */
const LAG_MS = 500;

export class Transmitter {
  readonly #options: TransmitterOptions;
  readonly #turns = new Set<Turn>();
  #users = 0;
  #opening: Promise<void> | undefined;
  #tokens = 0;
  #tokensMs = 0;
  #timer: Timer | undefined;
  #running = false;

  constructor(options: TransmitterOptions) {
    this.#options = options;
  }

  /** Each link that sends here opens it and closes it. */
  async open(): Promise<void> {
    this.#users += 1;
    this.#opening ??= this.#options.sender.open((reason) => this.#fail(reason));
    try {
      await this.#opening;
    } catch (thrown) {
      this.#users -= 1;
      this.#opening = undefined;
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#fail('The link is stopped.');
    this.#opening = undefined;
    await this.#options.sender.close();
  }

  /** Resolves when all rounds have been sent, when `signal` says so, or when nothing can be sent. */
  send(object: OutgoingObject, rounds: Rounds, signal: AbortSignal, onSent: (bytes: number) => void): Promise<Sent> {
    if (signal.aborted) return Promise.resolve({ kind: 'given-up', rounds: 0 });
    return new Promise((resolve) => {
      const giveUp = (): void => turn.end({ kind: 'given-up', rounds: rounds.count - turn.roundsLeft });
      const turn: Turn = {
        object,
        rounds,
        onSent,
        packet: object.next(),
        roundsLeft: rounds.count,
        dueMs: this.#options.clock.monotonicMs(),
        end: (result) => {
          this.#turns.delete(turn);
          signal.removeEventListener('abort', giveUp);
          resolve(result);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#turns.add(turn);
      this.#run();
    });
  }

  #fail(reason: string): void {
    for (const turn of [...this.#turns]) turn.end({ kind: 'failed', reason });
  }

  #run(): void {
    // A fault that the socket reports at once ends turns while one of them is being served.
    if (this.#running) return;
    this.#running = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let waitMs = this.#step(); this.#turns.size > 0; waitMs = this.#step()) {
      if (waitMs === 0) continue;
      this.#timer = this.#options.clock.timer(waitMs, () => this.#run());
      break;
    }
    this.#running = false;
  }

  /** Sends one packet, or says how long to wait for the next. */
  #step(): number {
    const { clock, rateBytesPerSec } = this.#options;
    const nowMs = clock.monotonicMs();
    const turn = this.#nextTurn();
    if (turn === undefined) return 0;
    if (turn.dueMs > nowMs) return Math.max(1, Math.ceil(turn.dueMs - nowMs));
    const bytes = (turn.packet?.length ?? 0) + UDP_HEAD_BYTES;
    this.#fill(nowMs, bytes);
    if (this.#tokens < bytes) return Math.max(1, Math.ceil(((bytes - this.#tokens) * 1000) / rateBytesPerSec));
    this.#tokens -= bytes;
    this.#send(turn, nowMs);
    return 0;
  }

  /** The one that has waited longest for its turn. */
  #nextTurn(): Turn | undefined {
    let next: Turn | undefined;
    for (const turn of this.#turns) if (next === undefined || turn.dueMs < next.dueMs) next = turn;
    return next;
  }

  #fill(nowMs: number, packetBytes: number): void {
    const { rateBytesPerSec } = this.#options;
    const mostBytes = Math.max(BUCKET_PACKETS * packetBytes, (rateBytesPerSec * BUCKET_MS) / 1000);
    this.#tokens = Math.min(mostBytes, this.#tokens + ((nowMs - this.#tokensMs) * rateBytesPerSec) / 1000);
    this.#tokensMs = nowMs;
  }

  #send(turn: Turn, nowMs: number): void {
    const { sender, rateBytesPerSec } = this.#options;
    const { object, rounds } = turn;
    const packet = turn.packet!;
    sender.send(packet);
    turn.onSent(packet.length);
    turn.packet = object.next();
    if (turn.packet !== undefined) {
      const apartMs = Math.max(rounds.spreadMs / object.packetsPerRound, ((packet.length + UDP_HEAD_BYTES) * 1000) / rateBytesPerSec);
      turn.dueMs = Math.max(turn.dueMs + apartMs, nowMs - LAG_MS);
      // The others get theirs before it comes round again.
      this.#turns.delete(turn);
      this.#turns.add(turn);
      return;
    }
    turn.roundsLeft -= 1;
    if (turn.roundsLeft === 0) return turn.end({ kind: 'sent' });
    turn.packet = object.next();
    turn.dueMs = nowMs + rounds.pauseMs;
  }
}
