/**
 * Does a link work, how fast, and at what cost: one batch of control items that the other side ignores, so that nothing is
 * stored anywhere, sent as any batch is. What a transfer costs follows from its bytes.
 */
import type { Freight } from '../links/link.js';
import { encodeRanges, MAX_RANGES } from '../wire/ranges.js';
import type { ByteRange } from '../wire/ranges.js';
import type { GatewayContext } from './context.js';
import type { Lane } from './lane.js';
import type { Load } from './load.js';
import type { Peer } from './peer-book.js';
import { headRoomBytes } from './unit-size.js';

export interface LinkTestResult {
  readonly link: string;
  readonly works: boolean;
  readonly outcome: string;
  readonly reason?: string;
  readonly bytes: number;
  readonly elapsedMs: number;
  /** Of the larger of two batches, its share of the round trip taken off. */
  readonly bytesPerSecond?: number;
  /** Of the whole test, where the link has a price. */
  readonly cost?: string;
}

/** Of one such control, of a range in it, and of the rest of it. */
const CONTROL_BYTES = 1830;
const RANGE_BYTES = 7.2;
const CONTROL_HEAD_BYTES = 60;
/** What one batch may have of them. */
const MOST_CONTROLS = 4000;

/**
 * Sends an empty batch for the round trip, then one of `bytes` for the rate, or of what one unit of the link carries: in a contact, and paid
 * for, like everything else. Gives up when `signal` aborts.
 */
export async function testLink(context: GatewayContext, peer: Peer, lane: Lane, bytes: number, toFreight: (load: Load) => Promise<Freight>, signal = new AbortController().signal): Promise<LinkTestResult> {
  const { supports } = lane.link;
  const spentBefore = spentOf(lane);
  const send = async (wanted: number): Promise<LinkTestResult> => once(context, lane, await toFreight(loadOf(context, peer, Math.min(wanted, supports.largestBytes - headRoomBytes(supports)))), signal);
  // A modem says "written" when a unit has begun to leave: the rest of the large one has left, and is paid for, when the small one begins.
  const sizes = bytes === 0 ? [0] : supports.pays === true ? [bytes, 0] : [0, bytes];
  const sends: LinkTestResult[] = [];
  for (const size of sizes) {
    sends.push(await send(size));
    if (sends.at(-1)?.works !== true) break;
  }
  const last = sends.at(-1) as LinkTestResult;
  const [small, large] = supports.pays === true ? [sends[1], sends[0]] : sends;
  if (!last.works || small === undefined || large === undefined || bytes === 0) return withCost(lane, last, sends, spentBefore);
  const bytesPerSecond = supports.pays === true ? Math.round((large.bytes * 1000) / Math.max(large.elapsedMs + small.elapsedMs, 1)) : rateOf(small, large);
  return withCost(lane, { ...large, elapsedMs: supports.pays === true ? large.elapsedMs : small.elapsedMs, bytesPerSecond }, sends, spentBefore);
}

/** Where the larger one was no slower, chance decides what a transfer takes, and there is no round trip to take off. */
function rateOf(small: LinkTestResult, large: LinkTestResult): number {
  const extraMs = large.elapsedMs - small.elapsedMs;
  return Math.round(extraMs > 0 ? ((large.bytes - small.bytes) * 1000) / extraMs : (large.bytes * 1000) / Math.max(large.elapsedMs, 1));
}

/** A link that pays for itself knows what it has paid; for the others it follows from the bytes. */
function withCost({ budget, link }: Lane, result: LinkTestResult, sends: readonly LinkTestResult[], spentBefore: number): LinkTestResult {
  if (budget === undefined) return result;
  if (link.supports.pays === true) return { ...result, cost: `${(budget.status().month.money - spentBefore).toFixed(2)} ${budget.status().currency}` };
  return { ...result, cost: budget.costText(sends.map(({ bytes, elapsedMs }) => ({ bytes, sessions: 1, ms: elapsedMs }))) };
}

function spentOf({ budget }: Lane): number {
  return budget?.status().month.money ?? 0;
}

async function once({ clock, trust }: GatewayContext, lane: Lane, freight: Freight, signal: AbortSignal): Promise<LinkTestResult> {
  const nowMs = trust.nowMs();
  const found = { link: lane.link.name, bytes: freight.bytes, elapsedMs: 0 };
  if (lane.contacts.at(nowMs) === undefined) {
    const nextMs = lane.contacts.next(nowMs)?.startMs;
    return { ...found, works: false, outcome: 'unreachable', reason: nextMs === undefined ? 'no contact is planned' : `the next contact begins at ${new Date(nextMs).toISOString()}` };
  }
  const spending = await lane.pay(lane.costOf(freight.bytes, nowMs));
  if (spending.kind === 'refused') return { ...found, works: false, outcome: 'refused', reason: spending.reason };
  const startMs = clock.monotonicMs();
  const outcome = await lane.link.send(freight, signal);
  const elapsedMs = Math.round(clock.monotonicMs() - startMs);
  await spending.settle({ bytes: freight.bytes, sessions: 1, ms: elapsedMs });
  const works = outcome.kind === 'confirmed' || outcome.kind === 'written';
  return { ...found, works, outcome: outcome.kind, ...('reason' in outcome && { reason: outcome.reason }), elapsedMs };
}

function loadOf({ random }: GatewayContext, peer: Peer, bytes: number): Load {
  const full = Math.min(Math.floor(bytes / CONTROL_BYTES), MOST_CONTROLS);
  const rest = full === MOST_CONTROLS ? 0 : Math.floor((bytes - full * CONTROL_BYTES - CONTROL_HEAD_BYTES) / RANGE_BYTES);
  const counts = Array.from({ length: full }, () => MAX_RANGES);
  if (rest > 0) counts.push(rest);
  const controls = counts.map((count, index) => ({
    peer: peer.name,
    key: `test/${index}`,
    bytes: encodeRanges({ kind: 'have', rid: random.bytes(32), ranges: Array.from({ length: count }, (_, range): ByteRange => [2 * range * 100, (2 * range + 1) * 100]) }),
  }));
  return { records: [], controls, pieces: [] };
}
