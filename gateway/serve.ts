/**
 * Serve: whoever knows a message id may fetch its blob, and nobody can tell why another id gives nothing:
 * unknown, expired, retracted and accepted look the same and cost the same. Ids are used here and forgotten here.
 */
import type { BlobSource, StoredRecord } from '../store/store.js';
import { locatorOf } from '../wire/capability.js';
import type { GatewayContext } from './context.js';
import { ridText } from './log.js';
import { servedTarget } from './target.js';

export interface Served {
  readonly blob: BlobSource;
  /** SHA-256 of the blob: its strong ETag. */
  readonly blobHash: Uint8Array;
  readonly expirySec: number;
  readonly stored: StoredRecord;
}

/** Of several records under one id, the first whose blob suits, or else the first. */
export async function findForFetch(context: GatewayContext, messageId: Uint8Array, suits: (blobHash: Uint8Array) => boolean): Promise<Served | undefined> {
  const { store, trust, counters } = context;
  const candidates = await store.findServable(locatorOf(messageId), trust.trusted ? trust.nowMs() : NEVER_MS);
  const stored = candidates.find(({ record }) => suits(record.blobHash)) ?? candidates[0];
  // A miss asks the store the same questions as a hit.
  const blob = await store.blob(stored?.record.rid ?? NO_RECORD);
  if (stored === undefined || blob === undefined) {
    counters.add('fetchMisses');
    return undefined;
  }
  return { blob, blobHash: stored.record.blobHash, expirySec: stored.record.expirySec, stored };
}

/** Without a clock that is believed nothing expires. */
const NEVER_MS = 0;
const NO_RECORD = new Uint8Array(32);

/**
 * The whole blob went out: delivered, as far as anybody can tell. Knocking ends, the blob stays until opened or expired.
 * Where there is no knocking, on the way to another gateway, a fetch changes nothing: who holds an id may read, and must
 * not be able to keep the message from its destination.
 */
export async function markFetched(context: GatewayContext, served: Served): Promise<void> {
  const { rid, destination } = served.stored.record;
  context.counters.add('fetches');
  context.log.debug('fetched', { record: ridText(rid), domain: destination });
  if (served.stored.state === 'held') await context.store.step([{ rid, state: 'fetched', queues: [servedTarget(destination)] }]);
}
