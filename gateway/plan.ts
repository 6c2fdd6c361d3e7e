/**
 * Plan: which way a record goes from here. The answer is the name of a queue: `served:DOMAIN` (we knock and
 * serve), `peer:NAME` (we forward), `parked` (no way yet: kept until expiry or a new route), `hold:…` (an
 * operator said wait).
 */
import type { GatewayConfig } from './config.js';
import type { PeerBook } from './peer-book.js';

export const PARKED = 'parked';

export function servedTarget(domain: string): string {
  return `served:${domain}`;
}

export function peerTarget(name: string): string {
  return `peer:${name}`;
}

/** The queue in which an operator's hold keeps what belongs to `target`. */
export function heldTarget(target: string): string {
  return `hold:${target}`;
}

export function parseTarget(target: string): { readonly kind: 'served' | 'peer' | 'hold'; readonly of: string } | { readonly kind: 'parked' } {
  const [, kind, of] = /^(served|peer|hold):(.*)$/.exec(target) ?? [];
  if (kind === undefined || of === undefined) return { kind: 'parked' };
  return { kind: kind as 'served' | 'peer' | 'hold', of };
}

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
