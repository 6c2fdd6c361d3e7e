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

/** Of one such control. */
const RANGES_BYTES = 1830;

/** Sends an empty batch for the round trip, then one of `bytes` for the rate: in a contact, and paid for, like everything else. */
export async function testLink(context: GatewayContext, peer: Peer, lane: Lane, bytes: number, toFreight: (load: Load) => Promise<Freight>): Promise<LinkTestResult> {
  const small = await once(context, lane, await toFreight(loadOf(context, peer, 0)));
  if (!small.works || bytes === 0) return withCost(lane, small, [small]);
  const large = await once(context, lane, await toFreight(loadOf(context, peer, bytes)));
  if (!large.works) return withCost(lane, large, [small, large]);
  const extraMs = Math.max(large.elapsedMs - small.elapsedMs, 1);
  return withCost(lane, { ...large, elapsedMs: small.elapsedMs, bytesPerSecond: Math.round(((large.bytes - small.bytes) * 1000) / extraMs) }, [small, large]);
}

function withCost({ budget }: Lane, result: LinkTestResult, sends: readonly LinkTestResult[]): LinkTestResult {
  return budget === undefined ? result : { ...result, cost: budget.costText(sends.map(({ bytes, elapsedMs }) => ({ bytes, sessions: 1, ms: elapsedMs }))) };
}

async function once({ clock, trust }: GatewayContext, lane: Lane, freight: Freight): Promise<LinkTestResult> {
  const nowMs = trust.nowMs();
  const found = { link: lane.link.name, bytes: freight.bytes, elapsedMs: 0 };
  if (lane.contacts.at(nowMs) === undefined) {
    const nextMs = lane.contacts.next(nowMs)?.startMs;
    return { ...found, works: false, outcome: 'unreachable', reason: nextMs === undefined ? 'no contact is planned' : `the next contact begins at ${new Date(nextMs).toISOString()}` };
  }
  const spending = await lane.pay(freight.bytes, nowMs);
  if (spending.kind === 'refused') return { ...found, works: false, outcome: 'refused', reason: spending.reason };
  const startMs = clock.monotonicMs();
  const outcome = await lane.link.send(freight, new AbortController().signal);
  const elapsedMs = Math.round(clock.monotonicMs() - startMs);
  await spending.settle({ bytes: freight.bytes, sessions: 1, ms: elapsedMs });
  const works = outcome.kind === 'confirmed' || outcome.kind === 'written';
  return { ...found, works, outcome: outcome.kind, ...('reason' in outcome && { reason: outcome.reason }), elapsedMs };
}

function loadOf({ random }: GatewayContext, peer: Peer, bytes: number): Load {
  const ranges = Array.from({ length: MAX_RANGES }, (_, index): ByteRange => [2 * index * 100, (2 * index + 1) * 100]);
  const controls = Array.from({ length: Math.ceil(bytes / RANGES_BYTES) }, (_, index) => ({
    peer: peer.name,
    key: `test/${index}`,
    bytes: encodeRanges({ kind: 'have', rid: random.bytes(32), ranges }),
  }));
  return { records: [], controls, pieces: [] };
}
