/**
 * Puts a gateway together: the only file that knows who makes what. Top to bottom: key, log, clock, store,
 * links, gateway, doors; stopping goes the other way.
 */
import path from 'node:path';
import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { makeFolder } from '../base/make-folder.js';
import type { Random } from '../base/random.js';
import { makeTlsIdentity } from '../base/tls-identity.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import { findSticks } from '../links/usb/stick-places.js';
import { listenAdmin, metricsRoute } from './admin-server.js';
import { adminHandlers } from './admin.js';
import { apiRoutes } from './api.js';
import { assembleGateway } from './assemble-gateway.js';
import { ClockTrust } from './clock-trust.js';
import { adminSocketOf } from './config.js';
import type { GatewayConfig } from './config.js';
import type { Gateway } from './gateway.js';
import { HighWaterKeeper, highWaterWriter, readHighWater } from './high-water.js';
import { listenHttp } from './http-server.js';
import { readKeyFile } from './key-file.js';
import { KnockSocket } from './knock-socket.js';
import { makeLanes } from './lanes.js';
import { openLog } from './log.js';
import { openGatewayStore, openLedger } from './open-parts.js';
import { readPeerBook } from './peer-book.js';
import { readOwnPlan } from './plan-file.js';
import { publicHandlers } from './public.js';
import { Schedule } from './schedule.js';
import { StickService } from './stick-service.js';
import { StickWatch } from './stick-watch.js';

export interface RunningGateway {
  readonly gateway: Gateway;
  /** Where the API listens: the real port where the configuration says 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** Finishes what is in hand and closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** How long sends and requests under way may take once the gateway is told to stop. */
const GRACE_MS = 10_000;

export async function runGateway(config: GatewayConfig, clock: Clock, random: Random): Promise<RunningGateway> {
  const key = await readKeyFile(config.gateway.keyFile);
  const log = openLog(config.log.level, config.gateway.name);
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    await makeFolder(config.data, 0o700);
    const highWaterFile = path.join(config.data, 'clock');
    const highWaterMs = await readHighWater(highWaterFile);
    const trust = new ClockTrust(clock, { ...config.clock, ...(highWaterMs !== undefined && { highWaterMs }) });
    const highWater = new HighWaterKeeper(highWaterWriter(highWaterFile), clock, trust);

    const book = await readPeerBook(config);
    const store = await openGatewayStore(config, book, clock, random, (event) => log.error('the store was damaged', { reason: JSON.stringify(event) }));
    closers.push(() => store.close());

    const identity = await makeTlsIdentity(key.seed, config.gateway.name);
    const ledger = await openLedger(config, log);
    const knocks = new KnockSocket();
    closers.push(() => knocks.close());
    const plan = await readOwnPlan(config, trust.nowMs(), (note) => log.warn('the contact plan', { reason: note }));
    const gateway = await assembleGateway({ config, key, book, store, offered: ledger, clock, trust, random, log, knocks, plan, lanes: async (context) => (await makeLanes(context, identity)).byPeer });

    const onFault = (thrown: unknown): void => log.error('a request failed', { reason: messageOf(thrown) });
    const { host, port: askedPort, tls, allowPlainHttp } = config.listen.https;
    const server = await listenHttp({
      listen: { host, port: askedPort },
      ...(tls && { tls: identity }),
      allowPlainHttp,
      routes: apiRoutes({ handlers: publicHandlers(gateway), batchesAtOnce: config.limits.batchesAtOnce, missesPerMinute: config.limits.missesPerMinute, clock, bounds: gateway.context.bounds }),
      clock,
      onFault,
      bounds: gateway.context.bounds,
    });
    closers.push(() => server.stop(GRACE_MS));
    closers.push(() => gateway.stop(GRACE_MS));
    await gateway.startLinks();

    const sticks = new StickService({ gateway, ledger, disk: nodeStickDisk });
    closers.push(() => sticks.stop());
    const watch = watchOf(gateway, sticks);
    const handlers = adminHandlers(gateway, sticks, watch);
    const admin = await listenAdmin({ socketPath: adminSocketOf(config), handlers, clock, onFault });
    closers.push(() => admin.stop(GRACE_MS));
    if (config.listen.metrics !== undefined) {
      // Whoever names an address for them wants them read there; there is nothing in them to hide from a LAN.
      const figures = await listenHttp({ listen: config.listen.metrics, allowPlainHttp: true, routes: [metricsRoute(handlers)], clock, onFault });
      closers.push(() => figures.stop(0));
    }
    const schedule = new Schedule(gateway, clock);
    schedule.start();
    closers.push(() => schedule.stop());
    highWater.start();
    closers.push(() => highWater.stop());
    watch?.start();
    closers.push(() => watch?.stop());

    const address = { host, port: server.port };
    log.info('up', address);
    return {
      gateway,
      address,
      async stop() {
        await close();
        log.info('down');
      },
    };
  } catch (thrown) {
    log.error('cannot start', { reason: messageOf(thrown) });
    await close();
    throw thrown;
  }
}

/** Undefined where no folder is watched for sticks. A gateway without a neighbour that sticks go to only takes from them. */
function watchOf({ context }: Gateway, sticks: StickService): StickWatch | undefined {
  const { watch: folders, lookEveryMs } = context.config.stick;
  if (folders.length === 0) return undefined;
  const sends = context.book.all().some((peer) => peer.config.links.some(({ kind }) => kind === 'usb'));
  return new StickWatch({ folders, lookEveryMs, errand: sends ? 'visit' : 'import', find: findSticks, serve: (errand, dir) => sticks.run(errand, dir), clock: context.clock, log: context.log });
}
