/** What the commands of this machine may ask and order: the meaning of admin-server.ts's routes. */
import { PosternError } from '../base/errors.js';
import type { AdminHandlers } from './admin-server.js';
import type { Gateway } from './gateway.js';
import { testLink } from './link-test.js';
import { metricsText } from './metrics.js';
import { orderQueue } from './queue-orders.js';
import { gatewayStatus, queueEntry } from './status.js';
import type { StickService } from './stick-service.js';

export function adminHandlers(gateway: Gateway, sticks: StickService): AdminHandlers {
  const { context } = gateway;
  const startedMs = context.clock.monotonicMs();
  return {
    status: () => gatewayStatus(gateway, startedMs, sticks.status()),
    async queue({ target, limit }) {
      return target === undefined ? context.store.queues() : (await context.store.list(target, limit)).map(queueEntry);
    },
    async order(order, selection) {
      const changed = await orderQueue(context, order, selection);
      gateway.onWake?.();
      return { changed };
    },
    async testLink({ link, bytes }) {
      for (const forwarder of gateway.forwarders()) {
        const lane = forwarder.lanes.find((candidate) => candidate.link.name === link || forwarder.peer.name === link);
        if (lane !== undefined) return testLink(context, forwarder.peer, lane, bytes, (load) => gateway.freight(forwarder.peer, lane.link.supports, load));
      }
      const names = gateway.forwarders().flatMap((forwarder) => forwarder.lanes.map((lane) => lane.link.name));
      throw new PosternError('GATEWAY_NO_LINK', `There is no link ${link}. There is ${names.length === 0 ? 'none at all' : names.join(', ')}.`, { link });
    },
    startStick({ errand, dir }) {
      sticks.start(errand, dir);
      return Promise.resolve(sticks.job());
    },
    stickJob: () => Promise.resolve(sticks.job()),
    confirmClock() {
      context.trust.confirm(context.clock.nowMs(), 'the operator');
      gateway.onWake?.();
      return Promise.resolve(context.trust.status());
    },
    metrics: async () => metricsText(await gatewayStatus(gateway, startedMs, sticks.status())),
  };
}
