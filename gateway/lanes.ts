/** The lanes of each neighbour: its links, each with its timers. Part of putting a gateway together, like main.ts. */
import type { Backoff } from '../base/backoff.js';
import type { TlsIdentity } from '../base/tls-identity.js';
import { UdpDoor } from '../links/ltp/udp-door.js';
import { TcpclListener } from '../links/tcpcl/tcpcl-listener.js';
import { makeBroadcastParts } from './broadcast-parts.js';
import { BudgetKeeper } from './budget-keeper.js';
import type { GatewayContext } from './context.js';
import { Lane, RECEIPT_SLACK_MS } from './lane.js';
import type { LanePlan } from './lane.js';
import { ledgerFile } from './ledger-file.js';
import { contactsOf } from './link-contacts.js';
import { isLive } from './link-schema.js';
import type { LiveLinkConfig } from './link-schema.js';
import { linkLog } from './log.js';
import { makeLink } from './make-link.js';
import { plannedContacts } from './plan-file.js';

export interface Lanes {
  /** The lanes of each neighbour, the preferred first. */
  readonly byPeer: ReadonlyMap<string, readonly Lane[]>;
  /** Where neighbours dial in for tcpcl, if they may. */
  readonly listener?: TcpclListener;
}

/** Offered again at least this often while the link works (protocol.md N5), unless light itself is slower. */
const RECEIPT_CAP_MS = 6 * 3_600_000;

export async function makeLanes(context: GatewayContext, identity: TlsIdentity): Promise<Lanes> {
  const { config, book, clock, store, log } = context;
  const door = config.listen.tcpcl;
  const listener = door === undefined ? undefined : new TcpclListener({ host: door.host, port: door.port, allowPlain: door.allowPlain, ...(door.tls && { identity }), clock, log: linkLog(log) });
  const udpDoor = config.listen.ltp === undefined ? undefined : new UdpDoor(config.listen.ltp);
  const parts = { context, identity, broadcast: await makeBroadcastParts(context), ...(listener !== undefined && { listener }), ...(udpDoor !== undefined && { udpDoor }) };
  const byPeer = new Map<string, Lane[]>();
  for (const peer of book.all()) {
    const lanes: Lane[] = [];
    for (const link of peer.config.links.filter(isLive)) {
      const plan = await planOf(context, peer.name, link);
      const lane = new Lane(makeLink(parts, peer, link, plan), link.retry, receiptWait(link.lightTimeMs), plan);
      await lane.restore(store);
      lanes.push(lane);
    }
    byPeer.set(peer.name, lanes);
  }
  log.debug('links made', { count: byPeer.size });
  return { byPeer, ...(listener !== undefined && { listener }) };
}

async function planOf({ config, trust, log, plan }: GatewayContext, peer: string, link: LiveLinkConfig): Promise<LanePlan> {
  const name = `${peer}/${link.kind}`;
  const { budget } = link;
  const keeper = budget === undefined ? undefined : await BudgetKeeper.open({ link: name, terms: budget, currency: budget.currency, file: ledgerFile(config.data, name), nowMs: () => trust.nowMs(), log });
  return { contacts: contactsOf(link, plannedContacts(plan, peer)), reservePercent: link.reservePercent, holdLargeBytes: link.holdLargeBytes, ...(keeper !== undefined && { budget: keeper }) };
}

export function receiptWait(lightTimeMs: number): Backoff {
  const firstMs = 2 * lightTimeMs + RECEIPT_SLACK_MS;
  return { firstMs, capMs: Math.max(RECEIPT_CAP_MS, 2 * firstMs) };
}
