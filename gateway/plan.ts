/** Plan: which way a record goes from here. The answer is the name of a queue. */
import type { GatewayConfig } from './config.js';
import { DomainMap } from './domain-map.js';
import type { PeerBook } from './peer-book.js';
import { PARKED, peerTarget, servedTarget } from './target.js';

export class Planner {
  readonly #book: PeerBook;
  readonly #routes: DomainMap<string>;

  constructor(routes: GatewayConfig['routes'], book: PeerBook) {
    this.#book = book;
    this.#routes = new DomainMap(routes.map(({ to, via }) => [to, via]));
  }

  /**
   * The queue for a destination: the exact route, then the longest matching suffix, then the default.
   * A record is never sent back to the peer it came from: that way it is parked, not looped.
   */
  target(destination: string, from: string): string {
    if (this.#book.serving(destination) !== undefined) return servedTarget(destination);
    const via = this.#routes.get(destination);
    if (via === undefined || via === from || this.#book.byName(via) === undefined) return PARKED;
    return peerTarget(via);
  }
}
