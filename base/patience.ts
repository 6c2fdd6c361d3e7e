/** How long one exchange with a peer may take: the whole of it, and without progress while it is the peer's turn. */
import type { Clock, Timer } from './clock.js';
import { PosternError } from './errors.js';

export interface ExchangeTimeouts {
  /** Without progress, while it is the peer that we wait for. */
  readonly idleMs: number;
  /** From the start to the last byte of the answer. */
  readonly wholeMs: number;
}

export class Patience {
  readonly #clock: Clock;
  readonly #address: string;
  readonly #timeouts: ExchangeTimeouts;
  readonly #fail: (error: PosternError) => void;
  readonly #whole: Timer;
  #idle: Timer | undefined;
  #ended = false;

  /** Calls `fail` with LINK_TIMEOUT when one of the two runs out. */
  constructor(clock: Clock, address: string, timeouts: ExchangeTimeouts, fail: (error: PosternError) => void) {
    this.#clock = clock;
    this.#address = address;
    this.#timeouts = timeouts;
    this.#fail = fail;
    this.#whole = this.#timer('end', timeouts.wholeMs);
  }

  /** From now on we wait for the peer. Called again at each sign of progress. */
  wait(): void {
    this.pause();
    if (!this.#ended) this.#idle = this.#timer('progress', this.#timeouts.idleMs);
  }

  /** It is our turn: the peer has no part in the delay. */
  pause(): void {
    this.#idle?.cancel();
  }

  end(): void {
    this.#ended = true;
    this.#whole.cancel();
    this.pause();
  }

  #timer(waitedFor: 'progress' | 'end', limitMs: number): Timer {
    const what = waitedFor === 'end' ? 'did not finish the exchange' : 'made no progress';
    const address = this.#address;
    return this.#clock.timer(limitMs, () => {
      this.#fail(new PosternError('LINK_TIMEOUT', `${address} ${what} within ${limitMs} ms.`, { address, waitedFor, limitMs }));
    });
  }
}
