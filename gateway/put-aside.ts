/** What the medium has damaged must not hold up what is not; a medium may have good days. */
import { isPosternError, messageOf } from '../base/errors.js';
import type { StoredRecord } from '../store/store.js';
import type { GatewayContext } from './context.js';
import { ridText } from './log.js';
import type { Peer } from './peer-book.js';

const UNREADABLE_AGAIN_MS = 6 * 3_600_000;

/** Tells the operator that the blob of a record cannot be read, and lets others go before it. */
export async function putAside({ store, trust, log }: GatewayContext, peer: Peer, { record }: StoredRecord, thrown: unknown): Promise<void> {
  // It may have been let go while it was on its way.
  const schedule = (await store.find(record.rid))?.schedule;
  if (schedule === undefined) return;
  log.error('a blob cannot be read', { record: ridText(record.rid), peer: peer.name, ...(isPosternError(thrown) && { code: thrown.code }), reason: messageOf(thrown) });
  await store.reschedule([{ rid: record.rid, schedule: { ...schedule, dueMs: trust.nowMs() + UNREADABLE_AGAIN_MS } }]);
}
