/** What the parts of a world see of it. */
import type { LedgerFile } from '../gateway/budget-keeper.js';
import type { GatewayContext } from '../gateway/context.js';
import type { Gateway } from '../gateway/gateway.js';
import type { LanePlan } from '../gateway/lane.js';
import type { Link } from '../links/link.js';
import type { Disk } from '../store/disk.js';
import type { Quotas, Store } from '../store/store.js';
import type { Checks } from './checks.js';
import type { Message } from './message.js';
import type { TrueTime } from './sim-clock.js';
import type { Streams } from './streams.js';

export interface WorldFace {
  readonly time: TrueTime;
  readonly streams: Streams;
  readonly checks: Checks;
  readonly plant: Plant | undefined;
  /** The number of the next message. */
  number(): number;
  /** A line for the trace. */
  readonly tell: (who: string, what: string) => void;
  /** A gateway knocks at a domain's door. */
  knock(from: string, domain: string, datagram: Uint8Array): void;
  /** Those that may still be asked for. */
  messages(): Iterable<Message>;
}

/** Bugs on purpose, for the tests that show that the checks find them. Each gives what the gateway gets in place of the real thing. */
export interface Plant {
  /** @param watched the store with the checks around it; @param bare without them */
  readonly store?: (watched: Store, bare: Store, node: string) => Store;
  readonly link?: (link: Link, context: GatewayContext) => Link;
  readonly disk?: (disk: Disk) => Disk;
  readonly quotas?: (quotas: Quotas) => Quotas;
  readonly lanePlan?: (plan: LanePlan) => LanePlan;
  readonly ledger?: (file: LedgerFile) => LedgerFile;
  readonly gateway?: (gateway: Gateway) => void;
}
