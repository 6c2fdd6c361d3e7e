/**
 * Release: what a peer says about records we hold. A receipt hands custody on; an opening ends it; a refusal
 * puts the next attempt off. Nothing else lets a record go.
 */
import { equalBytes, toHex } from '../base/bytes.js';
import { isEnd } from '../store/store.js';
import type { OutboxEntry, Schedule, Step, StoredRecord } from '../store/store.js';
import type { Control } from '../wire/control.js';
import { opens } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import { encodeOpening } from '../wire/opening.js';
import { takenRids, verifyReceipt } from '../wire/receipt.js';
import type { Receipt } from '../wire/receipt.js';
import type { BlobRanges } from '../wire/ranges.js';
import type { Refusal } from '../wire/refusal.js';
import { backoffMs } from '../base/backoff.js';
import type { GatewayContext } from './context.js';
import { keepVolumes } from './kept-volumes.js';
import { ridText } from './log.js';
import type { Peer } from './peer-book.js';
import { heldTarget, parseTarget, peerTarget } from './target.js';
import type { WantedBlob } from './wanted.js';

export interface Released {
  /** Blob ranges the peer asked for, of records on their way to it. */
  readonly wants: readonly WantedBlob[];
  /** What it asked for and nobody here has any more. */
  readonly refusals: readonly Refusal[];
  /** Queues in which something changed and may be due. */
  readonly wake: ReadonlySet<string>;
}

/** A refusal that only a change at the other side can mend is not asked again soon. */
const SLOW_RETRY = { firstMs: 10 * 60_000, capMs: 6 * 3_600_000 };
/** A neighbour cannot send a record away for longer than this, nor to a time that no clock will see. */
export const LONGEST_RETRY_AFTER_MS = 86_400_000;
const QUICK_RETRY = { firstMs: 10_000, capMs: 3_600_000 };

export async function releaseByControls(context: GatewayContext, peer: Peer, controls: readonly Control[]): Promise<Released> {
  const wants: WantedBlob[] = [];
  const refusals: Refusal[] = [];
  const wake = new Set<string>();
  for (const control of controls) {
    switch (control.kind) {
      case 'receipt':
        await handOn(context, peer, control);
        break;
      case 'refusal':
        await putOff(context, peer, control);
        // It told us of something, and has it no more.
        if (control.code === 'unknown') await context.notices.drop([control.rid], peer.name);
        break;
      case 'retract':
      case 'accept':
        await context.store.outboxRemove(peer.name, [openingKey(control)]);
        for (const name of await applyOpening(context, control, peer.name)) wake.add(peerTarget(name));
        break;
      case 'want': {
        const want = await wanted(context, peer, control);
        if (want === 'gone') refusals.push({ kind: 'refusal', rid: control.rid, code: 'unknown' });
        else if (want !== undefined) wants.push(want);
        break;
      }
      case 'have':
        break;
    }
  }
  return { wants, refusals, wake };
}

/**
 * Applies an opening to every record it opens, and leaves it for every other peer that had the record from us
 * or gave it to us. Returns the names of those peers. An opening that opens nothing is ignored, silently.
 * @param found the records at its locator, where they were looked up already
 */
export async function applyOpening(context: GatewayContext, opening: Opening, from: string | undefined, found?: readonly StoredRecord[]): Promise<Set<string>> {
  const told = new Set<string>();
  const opened = (found ?? (await context.store.findByLocator(opening.locator))).filter((stored) => opens(opening, stored.record));
  const bytes = encodeOpening(opening);
  const steps = opened.map((stored): Step => {
    const peers = passOnTo(context, stored, from);
    for (const name of peers) told.add(name);
    const outbox = peers.map((name): OutboxEntry => ({ peer: name, key: openingKey(opening), bytes }));
    return { rid: stored.record.rid, state: opening.kind === 'retract' ? 'retracted' : 'accepted', outbox };
  });
  const taken = steps.length === 0 ? [] : await context.store.step(steps);
  const changed = steps.filter((_, index) => taken[index]);
  const count = changed.length;
  context.counters.add(opening.kind === 'retract' ? 'retracted' : 'accepted', count);
  if ((await context.notices.end(opening)) + count === 0) {
    context.counters.add('openingsIgnored');
    return new Set();
  }
  for (const { rid, state } of changed) {
    context.planner.release(rid);
    context.log.debug(state, { record: ridText(rid) });
  }
  return told;
}

/** One name for an opening in every outbox: a peer that sends it to us knows it already. */
export function openingKey(opening: Opening): string {
  return `opening/${opening.kind}/${toHex(opening.locator)}`;
}

function passOnTo(context: GatewayContext, stored: StoredRecord, from: string | undefined): string[] {
  const names = new Set([stored.from, stored.to]);
  // It may be at the next hop already: its receipt is still on the way, or the send that has brought it there is not over, or seemed to fail.
  const target = parseTarget(stored.schedule?.target ?? '');
  const next = target.kind === 'hold' ? parseTarget(target.of) : target;
  if (next.kind === 'peer') names.add(next.of);
  names.delete(from);
  return [...names].filter((name): name is string => name !== undefined && context.book.byName(name) !== undefined);
}

async function handOn(context: GatewayContext, peer: Peer, receipt: Receipt): Promise<void> {
  if (peer.role !== 'neighbour' || !equalBytes(receipt.gateway, peer.kid) || !verifyReceipt(receipt, peer.key)) {
    context.log.warn('a receipt was not believed', { peer: peer.name });
    return;
  }
  const { taken: claim } = receipt;
  const rids = takenRids(receipt, claim.form === 'batch' ? await context.offered.receipted(peer.name, claim.root, context.trust.nowMs()) : []);
  // A receipt for what was never on its way to this peer moves nothing: by it anybody who has seen a record could make us drop it.
  const queue = peerTarget(peer.name);
  const queues = [queue, heldTarget(queue)];
  await keepVolumes(context.store, context.planner, rids);
  const taken = await context.store.step(rids.map((rid) => ({ rid, state: 'forwarded', to: peer.name, queues })));
  const handedOn = rids.filter((_, index) => taken[index]);
  context.counters.add('recordsForwarded', handedOn.length);
  for (const rid of handedOn) {
    context.planner.left(rid);
    context.log.debug('custody handed on', { record: ridText(rid), peer: peer.name });
  }
}

async function putOff(context: GatewayContext, peer: Peer, refusal: Refusal): Promise<void> {
  const stored = await context.store.find(refusal.rid);
  if (stored?.schedule?.target !== peerTarget(peer.name)) return;
  context.refusals.got(peer.name, refusal.code, context.trust.nowMs());
  const attempts = stored.schedule.attempts + 1;
  const law = refusal.code === 'full' || refusal.code === 'quota' ? QUICK_RETRY : SLOW_RETRY;
  const waitMs = Math.max(Math.min((refusal.retryAfterSec ?? 0) * 1000, LONGEST_RETRY_AFTER_MS), backoffMs(law, attempts, context.random));
  const schedule: Schedule = { ...stored.schedule, attempts, dueMs: context.trust.nowMs() + waitMs };
  await context.store.reschedule([{ rid: refusal.rid, schedule }]);
  context.log.warn('a record was refused', { peer: peer.name, record: ridText(refusal.rid), code: refusal.code, ms: waitMs, ...(refusal.note !== undefined && { reason: refusal.note }) });
}

/** What the peer wants of a record on its way to it, as far as its blob reaches; undefined where that is nothing, or where we have its receipt. */
async function wanted(context: GatewayContext, peer: Peer, { rid, ranges }: BlobRanges): Promise<WantedBlob | 'gone' | undefined> {
  const stored = await context.store.find(rid);
  if (stored === undefined || (isEnd(stored.state) && stored.state !== 'forwarded')) return 'gone';
  if (stored.schedule?.target !== peerTarget(peer.name)) return undefined;
  const { blobBytes } = stored.record;
  const within = ranges.filter(([start]) => start < blobBytes).map(([start, end]) => [start, Math.min(end, blobBytes)] as const);
  return within.length === 0 ? undefined : { rid, ranges: within, blobBytes };
}
