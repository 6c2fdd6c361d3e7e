/** What every stage is handed: the two faces, who we are, whom we know, time, chance, and where events are told. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { Store } from '../store/store.js';
import type { SigningKey } from '../wire/keys.js';
import type { Bounds } from './bounds.js';
import type { ClockTrust } from './clock-trust.js';
import type { GatewayConfig } from './config.js';
import type { Counters } from './counters.js';
import type { IncomingBlobs } from './incoming-blobs.js';
import type { Log } from './log.js';
import type { NoticesKept } from './notices-kept.js';
import type { OfferedBatches } from './offered-batches.js';
import type { PeerBook } from './peer-book.js';
import type { Planner } from './plan.js';
import type { OwnPlan } from './plan-file.js';
import type { Priorities } from './priorities.js';
import type { Refusals } from './refusals.js';
import type { WaitingAnswers } from './waiting-answers.js';

export interface GatewayContext {
  readonly config: GatewayConfig;
  readonly key: SigningKey;
  /** kid8 of our key. */
  readonly kid: Uint8Array;
  readonly store: Store;
  readonly incoming: IncomingBlobs;
  /** What neighbours have told us of, without its blob. */
  readonly notices: NoticesKept;
  /** What went out in batches whose receipts name them by their root. */
  readonly offered: OfferedBatches;
  /** What is left in the outboxes for peers that are answered later. */
  readonly answers: WaitingAnswers;
  readonly book: PeerBook;
  readonly planner: Planner;
  /** The contact plan, where there is one. */
  readonly plan?: OwnPlan | undefined;
  readonly priorities: Priorities;
  /** Elapsed time and timers. For what time it is, ask `trust`. */
  readonly clock: Clock;
  readonly trust: ClockTrust;
  readonly random: Random;
  readonly log: Log;
  readonly counters: Counters;
  readonly refusals: Refusals;
  readonly bounds: Bounds;
}
