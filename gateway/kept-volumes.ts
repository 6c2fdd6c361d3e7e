/**
 * What the contacts of the plan have been used for, over a restart. What waits is planned anew then, so that only what has left
 * has to be kept. It is written before a receipt is acted on, together with what that lets go: after a kill in between the
 * store says whether it has left, and nothing is counted twice or not at all.
 */
import { fromHex, utf8 } from '../base/bytes.js';
import type { LeftVolumes } from '../plan/router.js';
import type { Store } from '../store/store.js';
import type { Planner } from './plan.js';

const META_KEY = 'plan/left';

export async function keepVolumes(store: Pick<Store, 'putMeta'>, planner: Planner, leaving: readonly Uint8Array[]): Promise<void> {
  const volumes = planner.volumes(leaving);
  if (volumes !== undefined && volumes.leaving.length > 0) await store.putMeta(META_KEY, utf8(JSON.stringify(volumes)));
}

export async function restoreVolumes(store: Pick<Store, 'getMeta' | 'find'>, planner: Planner): Promise<void> {
  const saved = await store.getMeta(META_KEY);
  if (saved === undefined) return;
  const volumes = JSON.parse(Buffer.from(saved).toString()) as LeftVolumes;
  const gone = new Set<string>();
  for (const { key } of volumes.leaving) {
    const stored = await store.find(fromHex(key) ?? new Uint8Array());
    // One that is forgotten had been let go long ago.
    if (stored === undefined || stored.to !== undefined) gone.add(key);
  }
  planner.restoreVolumes(volumes, (key) => gone.has(key));
}
