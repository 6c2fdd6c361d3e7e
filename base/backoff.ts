/** The one law of waiting before another attempt (protocol.md N5): doubling, +-20 % jitter, a cap. */
import type { Random } from './random.js';

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

const JITTER = 0.2;
/** 2^40 times anything is past every cap; larger powers are no use. */
const MOST_DOUBLINGS = 40;

/** Milliseconds to wait after `attempts` attempts (1 or more) since the last sign of life. Jitter never exceeds the cap. */
export function backoffMs(law: Backoff, attempts: number, random: Random): number {
  const plainMs = Math.min(law.capMs, law.firstMs * 2 ** Math.min(Math.max(attempts - 1, 0), MOST_DOUBLINGS));
  return Math.min(law.capMs, Math.round(plainMs * (1 - JITTER + 2 * JITTER * random.fraction())));
}
