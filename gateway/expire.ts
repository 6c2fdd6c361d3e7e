/** Expire: what was not opened in time goes, silently, and only when the clock is believed. */
import type { GatewayContext } from './context.js';

const EXPIRED_AT_ONCE = 500;

/** Gives true when more may have expired than was dealt with in this slice. */
export async function expireDue({ store, trust, planner, counters, log }: GatewayContext): Promise<boolean> {
  if (!trust.trusted) return false;
  const expired = await store.expire(trust.nowMs(), EXPIRED_AT_ONCE);
  if (expired.length === 0) return false;
  for (const { record } of expired) planner.release(record.rid);
  counters.add('expired', expired.length);
  log.info('records expired', { count: expired.length });
  return expired.length === EXPIRED_AT_ONCE;
}
