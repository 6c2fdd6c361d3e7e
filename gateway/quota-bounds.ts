/** How it stands with the quotas, as bounds for the status. */
import type { LinkLimit } from '../links/link.js';
import type { QuotaLimits, Usage } from '../store/store.js';
import type { GatewayContext } from './context.js';

const DAY_SEC = 86_400;

/** Of every peer that holds something, and of destinations that a quota has stopped something for. Holding is counted in bytes times days. */
export function quotaBounds({ config, store, book, refusals }: GatewayContext): LinkLimit[] {
  const peers = book.all().map(({ name, config: { quota } }) => ({ whose: `quota of ${name}`, usage: store.usage('peer', name), limits: quota ?? config.quota.peer, refused: countOf(refusals.all().filter(({ peer, way, code }) => peer === name && way === 'given' && code === 'quota')) }));
  const destinations = [...refusals.destinations()].map(([name, refused]) => ({ whose: `quota for ${name}`, usage: store.usage('destination', name), limits: config.quota.destination, refused }));
  return [...peers, ...destinations].flatMap(boundsOf);
}

function boundsOf({ whose, usage, limits, refused }: { readonly whose: string; readonly usage: Usage; readonly limits: QuotaLimits; readonly refused: number }): LinkLimit[] {
  if (usage.bytes === 0 && refused === 0) return [];
  return [
    { name: whose, unit: 'bytes', used: usage.bytes, most: limits.bytes, refused },
    { name: `${whose} in byte-days`, unit: 'bytes', used: Math.ceil(usage.byteSeconds / DAY_SEC), most: Math.floor(limits.byteSeconds / DAY_SEC), refused: 0 },
  ];
}

function countOf(refused: readonly { readonly count: number }[]): number {
  return refused.reduce((sum, { count }) => sum + count, 0);
}
