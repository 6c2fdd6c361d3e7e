/**
 * A gateway from the parts that differ between the daemon and the simulator: clock, chance, store, links, log, knocks.
 * What is the same in both is put together here, so that what flies is what was simulated.
 */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { Store } from '../store/store.js';
import { keyId } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import type { ClockTrust } from './clock-trust.js';
import type { GatewayConfig } from './config.js';
import type { GatewayContext } from './context.js';
import { Bounds } from './bounds.js';
import { Counters } from './counters.js';
import { Gateway } from './gateway.js';
import { IncomingBlobs } from './incoming-blobs.js';
import { restoreVolumes } from './kept-volumes.js';
import type { Lane } from './lane.js';
import type { Log } from './log.js';
import type { KnockSender } from './notify.js';
import { NoticesKept } from './notices-kept.js';
import { NO_OFFERED_BATCHES } from './offered-batches.js';
import type { OfferedBatches } from './offered-batches.js';
import type { PeerBook } from './peer-book.js';
import { Planner } from './plan.js';
import type { OwnPlan } from './plan-file.js';
import { Priorities } from './priorities.js';
import { Refusals } from './refusals.js';
import { planAtStart } from './start-plan.js';
import { WaitingAnswers } from './waiting-answers.js';

export interface GatewayParts {
  readonly config: GatewayConfig;
  readonly key: SigningKey;
  readonly book: PeerBook;
  readonly store: Store;
  /** Absent where there are no sticks. */
  readonly offered?: OfferedBatches;
  readonly clock: Clock;
  readonly trust: ClockTrust;
  readonly random: Random;
  readonly log: Log;
  readonly knocks: KnockSender;
  /** The contact plan, for routes to nodes and links that follow it. */
  readonly plan?: OwnPlan | undefined;
  /** The lanes of each neighbour, the preferred first. */
  lanes(context: GatewayContext): Promise<ReadonlyMap<string, readonly Lane[]>>;
}

export async function assembleGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, key, book, store, clock, trust, random, log, plan } = parts;
  const notices = new NoticesKept(store, trust, config.notices.fetch);
  const answers = new WaitingAnswers(store);
  const names = book.all().map(({ name }) => name);
  await notices.restore(names);
  await answers.restore(names);
  const context: GatewayContext = { config, key, kid: keyId(key.publicKey), store, incoming: new IncomingBlobs(store, clock), notices, offered: parts.offered ?? NO_OFFERED_BATCHES, answers, book, planner: new Planner(config.routes, book, plan), plan, priorities: new Priorities(config.priority.rules, config.priority.ageingMs), clock, trust, random, log, counters: new Counters(), refusals: new Refusals(), bounds: new Bounds() };
  const gateway = new Gateway(context, await parts.lanes(context), parts.knocks);
  await restoreVolumes(store, context.planner);
  await planAtStart(context, () => gateway.replan());
  return gateway;
}
