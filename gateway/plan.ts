/** Plan: which way a record goes from here. The answer is the name of a queue. */
import type { GatewayConfig } from './config.js';
import type { PeerBook } from './peer-book.js';
import { PARKED, peerTarget, servedTarget } from './target.js';

export class Planner {
  readonly #book: PeerBook;
  readonly #exact = new Map<string, string>();
  /** Longest suffix first is not needed: the walk goes from the longest suffix down. */
  readonly #below = new Map<string, string>();
  readonly #default: string | undefined;

  constructor(routes: GatewayConfig['routes'], book: PeerBook) {
    this.#book = book;
    for (const { to, via } of routes) {
      if (to.startsWith('*.')) this.#below.set(to.slice(2), via);
      else if (to !== '*') this.#exact.set(to, via);
    }
    this.#default = routes.find((route) => route.to === '*')?.via;
  }

  /**
   * The queue for a destination: the exact route, then the longest matching suffix, then the default.
   * A record is never sent back to the peer it came from: that way it is parked, not looped.
   */
  target(destination: string, from: string): string {
    if (this.#book.serving(destination) !== undefined) return servedTarget(destination);
    const via = this.#via(destination);
    if (via === undefined || via === from || this.#book.byName(via) === undefined) return PARKED;
    return peerTarget(via);
  }

  #via(destination: string): string | undefined {
    const exact = this.#exact.get(destination);
    if (exact !== undefined) return exact;
    const labels = destination.split('.');
    for (let first = 1; first < labels.length; first += 1) {
      const via = this.#below.get(labels.slice(first).join('.'));
      if (via !== undefined) return via;
    }
    return this.#default;
  }
}
