/** What the commands of this machine may ask and order: the meaning of admin-server.ts's routes. */
import { PosternError } from '../base/errors.js';
import type { AdminHandlers } from './admin-server.js';
import type { GatewayContext } from './context.js';
import type { Gateway } from './gateway.js';
import type { Lane } from './lane.js';
import { testLink } from './link-test.js';
import { metricsText } from './metrics.js';
import type { Peer } from './peer-book.js';
import { fetchNoticed, noticeEntry } from './notice-orders.js';
import { orderQueue } from './queue-orders.js';
import { gatewayStatus, queueEntry } from './status.js';
import type { StickService } from './stick-service.js';
import type { StickStatus } from './stick-status.js';
import type { StickWatch } from './stick-watch.js';
import { PARKED, peerTarget, servedTarget } from './target.js';

/** @param watch absent where no folder is watched for sticks */
export function adminHandlers(gateway: Gateway, sticks: StickService, watch?: StickWatch): AdminHandlers {
  const { context } = gateway;
  const startedMs = context.clock.monotonicMs();
  const stickStatus = (): StickStatus => ({ ...sticks.status(), ...(watch !== undefined && { watch: watch.status() }) });
  return {
    status: () => gatewayStatus(gateway, startedMs, stickStatus()),
    async queue({ target, limit }) {
      if (target !== undefined) await knownQueue(context, target);
      return target === undefined ? context.store.queues() : (await context.store.list(target, limit)).map(queueEntry);
    },
    async order(order, selection) {
      if (selection.target !== undefined) await knownQueue(context, selection.target);
      const changed = await orderQueue(context, order, selection);
      // What is to be sent now does not wait for a link's next try either.
      if (order === 'send') for (const { lane } of lanesOf(gateway)) await lane.alive(context.store);
      gateway.onWake?.();
      return { changed };
    },
    notices: () => Promise.resolve(context.notices.all().map(noticeEntry)),
    async fetchNoticed(selection) {
      if (selection.from !== undefined) knownNeighbour(context, selection.from);
      const fetching = await fetchNoticed(context, selection);
      gateway.onWake?.();
      return fetching;
    },
    async testLink({ link, bytes }, signal) {
      const { peer, lane } = laneNamed(gateway, link);
      return testLink(context, peer, lane, bytes, (load) => gateway.freight(peer, lane.link.supports, load), signal);
    },
    async liftBudget({ link, forMs }) {
      const { lane } = laneNamed(gateway, link);
      if (lane.budget === undefined) throw new PosternError('GATEWAY_ADMIN_REQUEST', `${lane.link.name} has no budget.`, { found: link });
      await lane.budget.lift(context.trust.nowMs() + forMs);
      gateway.onWake?.();
      return { link: lane.link.name, budget: lane.budget.status() };
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
    metrics: async () => metricsText(await gatewayStatus(gateway, startedMs, stickStatus())),
  };
}

function lanesOf(gateway: Gateway): { readonly peer: Peer; readonly lane: Lane }[] {
  return gateway.forwarders().flatMap(({ peer, lanes }) => lanes.map((lane) => ({ peer, lane })));
}

/** Who is not known has told of nothing: a slip of the pen should not look like an empty answer. */
function knownNeighbour({ book }: GatewayContext, name: string): void {
  if (book.byName(name)?.role === 'neighbour') return;
  const names = book.all().filter(({ role }) => role === 'neighbour').map((peer) => peer.name);
  throw new PosternError('GATEWAY_NO_NEIGHBOUR', `There is no neighbour ${name}. ${thereIs(names)}`, { neighbour: name });
}

/** What waits under a name that nobody has any more, since the configuration was changed, is a queue all the same. */
async function knownQueue({ book, store }: GatewayContext, target: string): Promise<void> {
  const names = [PARKED, ...book.all().flatMap(({ name, role, domain }) => (role === 'neighbour' ? [peerTarget(name)] : domain === undefined ? [] : [servedTarget(domain.domain)]))];
  if (names.includes(target.replace(/^(hold:)+/, '')) || (await store.queues()).some((queue) => queue.target === target)) return;
  throw new PosternError('GATEWAY_NO_QUEUE', `There is no queue ${target}. ${thereIs(names)}`, { queue: target });
}

function thereIs(names: readonly string[]): string {
  return `There is ${names.length === 0 ? 'none at all' : names.join(', ')}.`;
}

/** By its own name, or by the neighbour's: then the first. */
function laneNamed(gateway: Gateway, link: string): { readonly peer: Peer; readonly lane: Lane } {
  const all = lanesOf(gateway);
  const found = all.find(({ peer, lane }) => lane.link.name === link || peer.name === link);
  if (found !== undefined) return found;
  const names = all.map(({ lane }) => lane.link.name);
  throw new PosternError('GATEWAY_NO_LINK', `There is no link ${link}. ${thereIs(names)}`, { link });
}
