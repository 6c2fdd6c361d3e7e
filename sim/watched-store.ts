/** The store of a simulated node, with the checks looking over its shoulder: the calls go through unchanged. */
import { toHex } from '../base/bytes.js';
import type { HoldEntry, HoldResult, OutboxEntry, Step, Store, StoredRecord } from '../store/store.js';
import { decodeControl } from '../wire/control.js';
import { takenRids } from '../wire/receipt.js';
import type { Checks } from './checks.js';

export interface Watch {
  readonly node: string;
  readonly checks: Checks;
  readonly quotaBytes: number;
  /** What the node's own clock says. */
  wallMs(): number;
}

/** Control items of an answer, as gateway.ts names them. */
const ANSWERS = /^answer\//;

export function watchStore(store: Store, watch: Watch): Store {
  const { node, checks } = watch;
  return {
    async hold(entries: readonly HoldEntry[]): Promise<HoldResult[]> {
      const results = await store.hold(entries);
      for (const [index, result] of results.entries()) {
        const entry = entries[index] as HoldEntry;
        if (result.kind !== 'held') continue;
        checks.held(node, toHex(entry.record.rid));
        checks.quota(node, `peer ${entry.from}`, store.usage('peer', entry.from).bytes, watch.quotaBytes);
      }
      const { bytes, capacityBytes, reserveBytes } = store.status();
      checks.quota(node, 'the store', bytes, capacityBytes - reserveBytes);
      return results;
    },
    async step(steps: readonly Step[]): Promise<boolean[]> {
      const taken = await store.step(steps);
      for (const [index, step] of steps.entries()) if (taken[index] === true) checks.stepped(node, toHex(step.rid), step.state, step.to);
      return taken;
    },
    async expire(nowMs: number, limit: number): Promise<StoredRecord[]> {
      const expired = await store.expire(nowMs, limit);
      for (const { record } of expired) checks.expired(node, toHex(record.rid), watch.wallMs());
      return expired;
    },
    async outboxPut(entries: readonly OutboxEntry[]): Promise<void> {
      for (const { key, bytes } of entries) if (ANSWERS.test(key)) checkReceipt(bytes, watch);
      await store.outboxPut(entries);
    },
    room: (entry) => store.room(entry),
    receiveBlob: (entry) => store.receiveBlob(entry),
    find: (rid) => store.find(rid),
    findByLocator: (locator) => store.findByLocator(locator),
    findServable: (locator, nowMs) => store.findServable(locator, nowMs),
    blob: (rid) => store.blob(rid),
    blobs: (rids) => store.blobs(rids),
    due: (target, nowMs, limit) => store.due(target, nowMs, limit),
    nextDueMs: (target) => store.nextDueMs(target),
    reschedule: (changes) => store.reschedule(changes),
    hurry: (target, nowMs, limit) => store.hurry(target, nowMs, limit),
    queues: () => store.queues(),
    list: (target, limit, afterRid) => store.list(target, limit, afterRid),
    outbox: (peer, limit) => store.outbox(peer, limit),
    outboxRemove: (peer, keys) => store.outboxRemove(peer, keys),
    getMeta: (key) => store.getMeta(key),
    async putMeta(key, value) {
      checks.written(node, 'a meta value', value);
      await store.putMeta(key, value);
    },
    usage: (kind, name) => store.usage(kind, name),
    status: () => store.status(),
    close: () => store.close(),
  };
}

function checkReceipt(bytes: Uint8Array, { node, checks }: Watch): void {
  const control = decodeControl(bytes);
  if (control.kind === 'receipt') checks.receipted(node, takenRids(control).map(toHex));
}
