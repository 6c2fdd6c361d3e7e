/**
 * The name of a queue, in which a record waits for its way: `served:DOMAIN` (we knock and serve), `peer:NAME`
 * (we forward), `parked` (no way yet: kept until expiry or a new route), `hold:…` (an operator said wait).
 */

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

/** Whether it can be the name of a queue at all; there may be nothing in it. */
export function isTarget(text: string): boolean {
  return /^(hold:)*(parked|(served|peer):.+)$/s.test(text);
}

export function parseTarget(target: string): { readonly kind: 'served' | 'peer' | 'hold'; readonly of: string } | { readonly kind: 'parked' } {
  const [, kind, of] = /^(served|peer|hold):(.*)$/.exec(target) ?? [];
  if (kind === undefined || of === undefined) return { kind: 'parked' };
  return { kind: kind as 'served' | 'peer' | 'hold', of };
}
