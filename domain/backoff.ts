/** When to try again: doubling with jitter up to a cap, so that a gateway that comes back is not met by everybody at once. */
import type { Random } from '../base/random.js';

const FIRST_MS = 1000;
/** A domain's own gateway is near; nobody gains by waiting longer than this. */
const LONGEST_MS = 5 * 60_000;
const JITTER = 0.2;

/** Milliseconds to wait after `failures` attempts in a row that failed (1 or more). */
export function backoffMs(failures: number, random: Random): number {
  const plainMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return Math.round(plainMs * (1 - JITTER + 2 * JITTER * random.fraction()));
}
