/** Records that are under way and will not arrive go out again as soon as they can. */
import type { GatewayContext } from './context.js';
import { peerTarget } from './target.js';

export async function makeDue({ store, trust }: GatewayContext, peer: string, rids: readonly Uint8Array[]): Promise<void> {
  const target = peerTarget(peer);
  const changes = [];
  for (const rid of rids) {
    const schedule = (await store.find(rid))?.schedule;
    if (schedule?.target === target) changes.push({ rid, schedule: { ...schedule, dueMs: trust.nowMs() } });
  }
  await store.reschedule(changes);
}
