/**
 * Does a link work, and how fast: one batch of control items that the other side ignores, so that nothing is
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
}

/** Of one such control. */
const RANGES_BYTES = 1830;

/** Sends an empty batch for the round trip, then one of `bytes` for the rate. */
export async function testLink(context: GatewayContext, peer: Peer, lane: Lane, bytes: number, toFreight: (load: Load) => Promise<Freight>): Promise<LinkTestResult> {
  const small = await once(context, lane, await toFreight(loadOf(context, peer, 0)));
  if (!small.works || bytes === 0) return small;
  const large = await once(context, lane, await toFreight(loadOf(context, peer, bytes)));
  if (!large.works) return large;
  const extraMs = Math.max(large.elapsedMs - small.elapsedMs, 1);
  return { ...large, elapsedMs: small.elapsedMs, bytesPerSecond: Math.round(((large.bytes - small.bytes) * 1000) / extraMs) };
}

async function once({ clock }: GatewayContext, lane: Lane, freight: Freight): Promise<LinkTestResult> {
  const startMs = clock.monotonicMs();
  const outcome = await lane.link.send(freight, new AbortController().signal);
  const works = outcome.kind === 'confirmed' || outcome.kind === 'written';
  return {
    link: lane.link.name,
    works,
    outcome: outcome.kind,
    ...('reason' in outcome && { reason: outcome.reason }),
    bytes: freight.bytes,
    elapsedMs: Math.round(clock.monotonicMs() - startMs),
  };
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
