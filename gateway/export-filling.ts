/** How a stick is filled: like a contact that is over at once and carries so many bytes, by the rules of plan/fill.ts. */
import type { GatewayContext } from './context.js';
import type { Filling } from './load.js';

/** A stick takes what it has room for, whenever it arrives. */
const NO_RATE = { rateBytesPerSec: Number.POSITIVE_INFINITY, lightTimeMs: 0 };

/** @param reserveBytes of what is left: for what is urgent or raised, and for nothing else */
export function stickFilling({ trust, priorities }: GatewayContext, leftBytes: number, reserveBytes: number): Filling {
  return {
    contact: NO_RATE,
    leftBytes,
    reservePercent: leftBytes <= 0 ? 0 : Math.min(100, (reserveBytes * 100) / leftBytes),
    ageingMs: priorities.ageingMs,
    trusted: trust.trusted,
    stayed: 0,
    priorityOf: ({ record, from }) => priorities.of(record.destination, from),
    tell: () => undefined,
  };
}
