/**
 * A gateway that hears and says nothing, for what a command does on its data while no daemon runs: no links, no doors, and
 * nothing loaded that only these would need. STORE_LOCKED when a daemon has the data folder.
 */
import path from 'node:path';
import type { Clock } from '../base/clock.js';
import { makeFolder } from '../base/make-folder.js';
import type { Random } from '../base/random.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import type { StoreEvent } from '../store/store-event.js';
import type { StoreStatus } from '../store/store.js';
import { assembleGateway } from './assemble-gateway.js';
import { ClockTrust } from './clock-trust.js';
import type { GatewayConfig } from './config.js';
import { readHighWater } from './high-water.js';
import { readKeyFile } from './key-file.js';
import { openLog } from './log.js';
import { FOR_A_MOMENT, openGatewayStore, openLedger } from './open-parts.js';
import { readPeerBook } from './peer-book.js';
import { StickService } from './stick-service.js';

/** For a stick that is served: the gateway's store and its memory of sticks. */
export async function withGatewayAtRest<Result>(config: GatewayConfig, clock: Clock, random: Random, use: (sticks: StickService) => Promise<Result>): Promise<Result> {
  const key = await readKeyFile(config.gateway.keyFile);
  const log = openLog(config.log.level, config.gateway.name);
  await makeFolder(config.data, 0o700);
  const highWaterMs = await readHighWater(path.join(config.data, 'clock'));
  const trust = new ClockTrust(clock, { ...config.clock, ...(highWaterMs !== undefined && { highWaterMs }) });
  const book = await readPeerBook(config);
  const store = await openGatewayStore(config, book, clock, random, (event) => log.error('the store was damaged', { reason: JSON.stringify(event) }), FOR_A_MOMENT);
  try {
    const ledger = await openLedger(config, log);
    const gateway = await assembleGateway({ config, key, book, store, offered: ledger, clock, trust, random, log, knocks: { knock: () => undefined }, lanes: () => Promise.resolve(new Map()) });
    const sticks = new StickService({ gateway, ledger, disk: nodeStickDisk });
    return await use(sticks).finally(async () => {
      await sticks.stop();
      await gateway.stop(0);
    });
  } finally {
    await store.close();
  }
}

/** Opens the store as the gateway does, mends what a crash has left, and closes it again. `report` is told of damage. */
export async function tryStore(config: GatewayConfig, clock: Clock, random: Random, report: (event: StoreEvent) => void): Promise<StoreStatus> {
  const store = await openGatewayStore(config, await readPeerBook(config), clock, random, report);
  try {
    return store.status();
  } finally {
    await store.close();
  }
}
