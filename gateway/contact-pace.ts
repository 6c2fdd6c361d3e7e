/**
 * The rate of a contact, for links that send as they read: who reads slowly sends slowly. All sends of a link share one
 * rate, so that a line of which others have a part is not filled, and a contact carries what was planned for it.
 */
import { sleep } from '../base/clock.js';
import type { Clock } from '../base/clock.js';
import type { Freight } from '../links/link.js';

/** So much time's worth may go at once: a send that fits the rest of a contact ends a little before it. */
const BURST_MS = 1000;
/** Chunks are cut to a quarter of a second, within these. */
const CHUNKS_PER_SEC = 4;
const LEAST_CHUNK_BYTES = 1024;
const MOST_CHUNK_BYTES = 64 * 1024;

export class ContactPace {
  readonly #clock: Clock;
  /** Of the contact that holds; Infinity where nobody has said. */
  readonly #rateBytesPerSec: () => number;
  /** When what was let go so far has left. */
  #leftMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, rateBytesPerSec: () => number) {
    this.#clock = clock;
    this.#rateBytesPerSec = rateBytesPerSec;
  }

  /** The freight, read no faster than the contact bears. */
  paced(freight: Freight, signal: AbortSignal): Freight {
    return { bytes: freight.bytes, open: () => this.#read(freight, signal) };
  }

  async *#read(freight: Freight, signal: AbortSignal): AsyncIterable<Uint8Array> {
    for await (const chunk of freight.open()) {
      for (let at = 0; at < chunk.length; ) {
        const rate = this.#rateBytesPerSec();
        const most = Number.isFinite(rate) ? Math.min(MOST_CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, Math.floor(rate / CHUNKS_PER_SEC))) : chunk.length;
        const part = chunk.subarray(at, at + most);
        at += part.length;
        const nowMs = this.#clock.monotonicMs();
        this.#leftMs = Math.max(this.#leftMs, nowMs - BURST_MS) + (part.length * 1000) / rate;
        if (this.#leftMs > nowMs) await sleep(this.#clock, this.#leftMs - nowMs, signal);
        yield part;
      }
    }
  }
}
