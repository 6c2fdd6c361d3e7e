/**
 * The queues at a start: records are planned anew where the rules are not those they were planned by. Reading every record
 * that is held takes a minute where there are a million.
 */
import { equalBytes } from '../base/bytes.js';
import type { GatewayContext } from './context.js';

/** Lost with the index, as the queues are. */
const META_KEY = 'planned-by';
/** A contact plan says more than its file: what has been counted against its contacts only the process knows. */
const NEVER_THE_SAME = new Uint8Array(0);

export async function planAtStart({ store, planner }: Pick<GatewayContext, 'store' | 'planner'>, replan: () => Promise<void>): Promise<void> {
  const rules = planner.rules ?? NEVER_THE_SAME;
  const saved = await store.getMeta(META_KEY);
  const isSame = saved !== undefined && equalBytes(saved, rules);
  if (isSame && rules !== NEVER_THE_SAME) return;
  await replan();
  if (!isSame) await store.putMeta(META_KEY, rules);
}
