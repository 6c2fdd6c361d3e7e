/**
 * Who may have a batch read, of the few that are read at once. Until the head of a batch is whole, nobody
 * knows whether it comes from a peer, and a stranger could hold every place for hours by sending heads
 * slowly. So whoever still is in the head after a while loses the place, but only when somebody else needs it.
 */
import type { Clock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import type { LinkLimit } from '../links/link.js';
import { BATCH_LIMITS } from '../wire/batch.js';

/** A full head comes in this time at 2 Mbit/s, and the head of a few records on any line. */
const UNDISTURBED_MS = 30_000;

export class BatchPlaces {
  readonly #clock: Clock;
  readonly #places: number;
  /** In the order in which they came. */
  readonly #taken = new Set<BatchPlace>();
  #refused = 0;

  constructor(clock: Clock, places: number) {
    this.#clock = clock;
    this.#places = places;
  }

  /** Undefined when every place is taken by somebody who keeps it. */
  take(body: AsyncIterable<Uint8Array>): BatchPlace | undefined {
    if (this.#taken.size >= this.#places) {
      const nowMs = this.#clock.monotonicMs();
      const slow = [...this.#taken].find((place) => place.isInHead && nowMs - place.sinceMs >= UNDISTURBED_MS);
      this.#refused += 1;
      if (slow === undefined) return undefined;
      this.leave(slow);
      slow.lose();
    }
    const place = new BatchPlace(body, this.#clock.monotonicMs());
    this.#taken.add(place);
    return place;
  }

  /** Who lost a place to another was turned away, too. */
  limit(): LinkLimit {
    return { name: 'batches read at once', unit: 'count', used: this.#taken.size, most: this.#places, refused: this.#refused };
  }

  leave(place: BatchPlace): void {
    this.#taken.delete(place);
  }
}

export class BatchPlace implements AsyncIterable<Uint8Array> {
  readonly sinceMs: number;
  readonly #body: AsyncIterable<Uint8Array>;
  #receivedBytes = 0;
  #lost: PosternError | undefined;
  /** Ends the read that is under way. */
  #breakOff: ((reason: PosternError) => void) | undefined;

  constructor(body: AsyncIterable<Uint8Array>, sinceMs: number) {
    this.#body = body;
    this.sinceMs = sinceMs;
  }

  /** No head is longer than this: what has more was let go on by the gateway, which knows the peer. */
  get isInHead(): boolean {
    return this.#receivedBytes <= BATCH_LIMITS.headBytes;
  }

  lose(): void {
    const receivedBytes = this.#receivedBytes;
    this.#lost = new PosternError('GATEWAY_BODY_BROKEN', `A batch that was slow to say from whom it comes made way for another, after ${receivedBytes} bytes.`, { receivedBytes });
    this.#breakOff?.(this.#lost);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const chunks = this.#body[Symbol.asyncIterator]();
    for (let item = await this.#next(chunks); item.done !== true; item = await this.#next(chunks)) {
      this.#receivedBytes += item.value.length;
      yield item.value;
    }
  }

  /** No race against a promise that lives as long as the body: it would keep every chunk. */
  #next(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      this.#breakOff = reject;
      chunks.next().then(resolve, reject);
    });
  }
}
