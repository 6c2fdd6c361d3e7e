/** The state of the gateway as plain values, for the command line, the metrics and the status page. Nothing in it names a message. */
import { toHex } from '../base/bytes.js';
import type { LinkLimit } from '../links/link.js';
import { fingerprintWords } from '../wire/keys.js';
import type { QueueStatus, StoredRecord, StoreStatus } from '../store/store.js';
import type { ClockStatus } from './clock-trust.js';
import type { Counted } from './counters.js';
import type { Gateway } from './gateway.js';
import type { NeighbourForwarder } from './forward.js';
import type { LaneStatus } from './lane.js';
import { quotaBounds } from './quota-bounds.js';
import type { RefusedStatus } from './refusals.js';
import { NO_STICKS } from './stick-status.js';
import type { StickStatus } from './stick-status.js';
import { peerTarget } from './target.js';
import { isCarried } from './unit-size.js';

export interface GatewayStatus {
  readonly gateway: string;
  readonly nodeId: string;
  readonly fingerprint: string;
  readonly upForMs: number;
  readonly clock: ClockStatus;
  readonly store: StoreStatus;
  readonly queues: readonly QueueStatus[];
  readonly neighbours: readonly NeighbourStatus[];
  readonly sticks: StickStatus;
  readonly counters: Readonly<Record<Counted, number>>;
  /** Bounds of the listener, and quotas. */
  readonly limits: readonly LinkLimit[];
  readonly refusals: readonly RefusedStatus[];
}

export interface NeighbourStatus {
  readonly name: string;
  readonly links: readonly LaneStatus[];
  /** What bounds the notices of large blobs, ours to it and its to us, and the answers to it. */
  readonly limits: readonly LinkLimit[];
  /** What it has told us of, whose blobs wait there; absent where there is nothing of the kind. */
  readonly told?: { readonly records: number; readonly bytes: number };
  /** What waits for a neighbour none of whose links carries it; absent where there is nothing of the kind. */
  readonly tooLarge?: { readonly records: number; readonly bytes: number };
}

export interface QueueEntry {
  /** The beginning of the record's hash, enough to name it in an order. */
  readonly record: string;
  readonly destination: string;
  readonly from: string;
  readonly bytes: number;
  readonly heldAtMs: number;
  readonly expiryMs: number;
  readonly dueMs?: number;
  readonly attempts?: number;
}

export async function gatewayStatus(gateway: Gateway, startedMonotonicMs: number, sticks: StickStatus = NO_STICKS): Promise<GatewayStatus> {
  const { config, store, trust, clock, key, counters } = gateway.context;
  return {
    gateway: config.gateway.name,
    nodeId: config.gateway.nodeId,
    fingerprint: fingerprintWords(key.publicKey).join(' '),
    upForMs: Math.round(clock.monotonicMs() - startedMonotonicMs),
    clock: trust.status(),
    store: store.status(),
    queues: await store.queues(),
    neighbours: await Promise.all(gateway.forwarders().map((forwarder) => neighbourStatus(gateway, forwarder))),
    sticks,
    counters: counters.all(),
    limits: [...gateway.context.bounds.all(), ...quotaBounds(gateway.context)],
    refusals: gateway.context.refusals.all(),
  };
}

/** A queue is looked through so far for what no link carries. */
const LOOKED_THROUGH = 1000;

async function neighbourStatus({ context }: Gateway, forwarder: NeighbourForwarder): Promise<NeighbourStatus> {
  const { peer, lanes } = forwarder;
  const told = context.notices.all().filter(({ from }) => from === peer.name);
  const found = {
    name: peer.name,
    links: forwarder.status(context.trust.nowMs()),
    limits: [...forwarder.limits(), ...context.notices.limits(peer.name), ...context.answers.limits(peer.name)],
    ...(told.length > 0 && { told: { records: told.length, bytes: told.reduce((sum, { record }) => sum + record.blobBytes, 0) } }),
  };
  if (lanes.length === 0 || peer.config.links.some(({ kind }) => kind === 'usb') || lanes.some(({ link }) => link.supports.carries !== 'compact')) return found;
  const waiting = await context.store.list(peerTarget(peer.name), LOOKED_THROUGH);
  const tooLarge = waiting.filter(({ record }) => !lanes.some(({ link }) => isCarried(link.supports, record)));
  if (tooLarge.length === 0) return found;
  return { ...found, tooLarge: { records: tooLarge.length, bytes: tooLarge.reduce((sum, { record }) => sum + record.blobBytes, 0) } };
}

const SHOWN_RID_BYTES = 8;

export function queueEntry({ record, from, heldAtMs, schedule }: StoredRecord): QueueEntry {
  return {
    record: toHex(record.rid.subarray(0, SHOWN_RID_BYTES)),
    destination: record.destination,
    from,
    bytes: record.blobBytes,
    heldAtMs,
    expiryMs: record.expirySec * 1000,
    ...(schedule !== undefined && { dueMs: schedule.dueMs, attempts: schedule.attempts }),
  };
}
