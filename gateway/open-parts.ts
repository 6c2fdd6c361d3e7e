/** What a gateway keeps in its data folder, opened as its configuration says: main.ts and at-rest.ts, the part about it. */
import path from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { openStore } from '../store/open.js';
import type { StoreEvent } from '../store/store-event.js';
import type { Store } from '../store/store.js';
import type { GatewayConfig } from './config.js';
import type { Log } from './log.js';
import type { PeerBook } from './peer-book.js';
import { StickLedger } from './stick-ledger.js';

export function openLedger(config: GatewayConfig, log: Log): Promise<StickLedger> {
  return StickLedger.open(path.join(config.data, 'sticks'), (reason) => log.error('what was known of sticks cannot be read', { reason }));
}

/** Nothing is made ready for writes that will not come: on a card every byte counts. */
export const FOR_A_MOMENT = { aheadBytes: 0 };

export function openGatewayStore(config: GatewayConfig, book: PeerBook, clock: Clock, random: Random, report: (event: StoreEvent) => void, more: { readonly aheadBytes?: number } = {}): Promise<Store> {
  const { quota, store: limits } = config;
  return openStore({
    dir: path.join(config.data, 'store'),
    clock,
    limits: { ...limits, ...more, reserveFraction: limits.reservePercent / 100 },
    random,
    report,
    quotas: { peer: (name) => book.byName(name)?.config.quota ?? quota.peer, destination: () => quota.destination },
  });
}
