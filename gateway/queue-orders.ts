/**
 * What an operator may do to what waits: hold, release, drop, raise, send now; all of a queue, all for a destination, or
 * one record by the beginning of its hash. Every order says how many records it changed.
 */
import { toHex } from '../base/bytes.js';
import type { Step, StoredRecord } from '../store/store.js';
import { encodeRefusal } from '../wire/refusal.js';
import type { GatewayContext } from './context.js';
import { noticesGiven } from './held-large.js';
import { raisedDueMs } from './priorities.js';
import { heldTarget, parseTarget } from './target.js';

export type QueueOrder = 'hold' | 'release' | 'drop' | 'raise' | 'send';

/** At least one of the three; all given ones must hold. */
export interface QueueSelection {
  readonly target?: string;
  readonly destination?: string;
  /** Hex, at least 8 digits. */
  readonly record?: string;
}

const SLICE = 500;

export async function orderQueue(context: GatewayContext, order: QueueOrder, selection: QueueSelection): Promise<number> {
  let changed = 0;
  for (const { target } of await context.store.queues()) {
    if (selection.target !== undefined && target !== selection.target) continue;
    if ((parseTarget(target).kind === 'hold') !== (order === 'release') && order !== 'drop') continue;
    changed += await orderOne(context, order, target, selection);
  }
  context.log.info(`an operator's order: ${order}`, { count: changed });
  return changed;
}

async function orderOne(context: GatewayContext, order: QueueOrder, target: string, selection: QueueSelection): Promise<number> {
  const { store } = context;
  let changed = 0;
  let slice = await store.list(target, SLICE);
  while (slice.length > 0) {
    const next = slice.length < SLICE ? [] : await store.list(target, SLICE, slice.at(-1)?.record.rid);
    const chosen = slice.filter((stored) => isSelected(stored, selection));
    if (chosen.length > 0) changed += await carryOut(context, order, target, chosen);
    slice = next;
  }
  return changed;
}

function isSelected({ record }: StoredRecord, selection: QueueSelection): boolean {
  if (selection.destination !== undefined && record.destination !== selection.destination) return false;
  return selection.record === undefined || toHex(record.rid).startsWith(selection.record);
}

async function carryOut(context: GatewayContext, order: QueueOrder, target: string, chosen: readonly StoredRecord[]): Promise<number> {
  const { store, trust, planner } = context;
  // What is held, too, keeps no place that others could have.
  if (order === 'drop' || order === 'hold') for (const { record } of chosen) planner.release(record.rid);
  if (order === 'drop') return drop(context, target, chosen);
  const nowMs = trust.nowMs();
  await store.reschedule(
    chosen.map(({ record, from }, index) => {
      if (order === 'hold') return { rid: record.rid, schedule: { target: heldTarget(target), dueMs: record.expirySec * 1000, attempts: 0 } };
      if (order === 'release') return { rid: record.rid, schedule: { target: planner.target(record, from, nowMs), dueMs: nowMs, attempts: 0 } };
      // Raised records, and those to be sent now, go before everything that is due, in the order they had.
      return { rid: record.rid, schedule: { target, dueMs: raisedDueMs(index), attempts: 0 } };
    }),
  );
  return chosen.length;
}

/** A neighbour that was told of a record, and has not asked for it, would go on showing it. */
async function drop({ store, book }: GatewayContext, target: string, chosen: readonly StoredRecord[]): Promise<number> {
  const way = parseTarget(target);
  const queue = way.kind === 'hold' ? parseTarget(way.of) : way;
  const peer = queue.kind === 'peer' && book.byName(queue.of) !== undefined ? queue.of : undefined;
  const told = peer === undefined ? new Set<string>() : await noticesGiven(store, peer);
  const steps = chosen.map(({ record: { rid } }): Step => {
    const word = peer !== undefined && told.has(toHex(rid)) ? [{ peer, key: `gone/${toHex(rid)}`, bytes: encodeRefusal({ rid, code: 'unknown' }) }] : [];
    return { rid, state: 'dropped', outbox: word };
  });
  return (await store.step(steps)).filter(Boolean).length;
}
