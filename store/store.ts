/**
 * The face of the store: what it promises to the gateway's stages, and nothing of how. Every
 * implementation passes store/store.suite.ts.
 *
 * A promise is given only after the write it rests on is on stable storage: when `hold` and `step`
 * resolve, fdatasync has returned. Schedules, outbox removals and meta values are written without a
 * sync, because losing the latest of them costs a repeated attempt and never a message.
 */
import type { Readable } from 'node:stream';
import type { TransitRecord } from '../wire/record.js';

/**
 * held: custody is ours; we forward or knock.
 * fetched: the whole blob was served to an id holder; knocking has ended, the blob stays until opened or expired.
 * The other four are ends. An end leaves a tombstone until the record's expiry plus `tombstoneMs`.
 */
export type RecordState = 'held' | 'fetched' | EndState;
export type EndState = 'forwarded' | 'accepted' | 'retracted' | 'expired' | 'dropped';

/** The legal steps, as one table. Anything else is refused by `step` and changes nothing. */
export const LEGAL_STEPS: Readonly<Record<RecordState, readonly RecordState[]>> = {
  held: ['fetched', 'forwarded', 'accepted', 'retracted', 'expired', 'dropped'],
  fetched: ['forwarded', 'accepted', 'retracted', 'expired', 'dropped'],
  forwarded: ['accepted', 'retracted'],
  accepted: [],
  retracted: [],
  expired: [],
  dropped: [],
};

export function isEnd(state: RecordState): state is EndState {
  return state !== 'held' && state !== 'fetched';
}

export interface StoredRecord {
  readonly record: TransitRecord;
  readonly state: RecordState;
  /** Name of the peer that handed it to us. */
  readonly from: string;
  /** Name of the peer whose receipt released us; set when the state came through `forwarded`. */
  readonly to?: string;
  /** When custody was taken, Unix milliseconds. */
  readonly heldAtMs: number;
  /** Set while the state is no end. */
  readonly schedule?: Schedule;
}

/** Where a held record goes next and when. `target` names a queue: see gateway/plan.ts. */
export interface Schedule {
  readonly target: string;
  readonly dueMs: number;
  /** Attempts since the last success or sign of life. */
  readonly attempts: number;
}

export interface HoldEntry {
  readonly record: TransitRecord;
  readonly from: string;
  readonly heldAtMs: number;
  readonly schedule: Schedule;
  /** The whole blob. Absent: the blob is complete in the store already (received by `receiveBlob`, or shared with another record). */
  readonly blob?: Uint8Array;
}

export type HoldRefusal = 'blob-missing' | 'blob-mismatch' | 'full' | 'quota-peer' | 'quota-destination';
export type HoldResult = { readonly kind: 'held' } | { readonly kind: 'known'; readonly state: RecordState } | { readonly kind: 'refused'; readonly why: HoldRefusal };

/** A half-open range of blob bytes. */
export interface Range {
  readonly startByte: number;
  readonly endByte: number;
}

/** A blob on its way in, in pieces of any order. Progress survives a stop; what is not yet synced may be received again. */
export interface BlobReceiver {
  /** Writes one piece. Bytes beyond the record's length are a coded error. Backpressure: await it. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** What is still missing, in order. */
  missing(): Range[];
  /** Syncs, hashes and keeps the blob when nothing is missing: `complete`; `mismatch` discards what came. */
  finish(): Promise<'complete' | 'incomplete' | 'mismatch'>;
  /** Lets go of the receiver; what was written stays for a later one. Safe to call twice. */
  close(): Promise<void>;
}

export interface BlobSource {
  readonly bytes: number;
  /** Bytes [startByte, endByte) as a stream. Without a start, the whole blob: it ends in STORE_DAMAGED, short of its end, where it is not what it was. */
  stream(startByte?: number, endByte?: number): Readable;
  /** Bytes [startByte, endByte) at once, for pieces that fit in memory: into the beginning of `into` where that is given. */
  read(startByte: number, endByte: number, into?: Uint8Array): Promise<Uint8Array>;
}

export interface Step {
  readonly rid: Uint8Array;
  readonly state: Exclude<RecordState, 'held'>;
  /** With `forwarded`: the peer whose receipt it was. */
  readonly to?: string;
  /** Taken only while the record waits in one of these queues. */
  readonly queues?: readonly string[];
  /** Control items (encoded) that must go to peers because of this step, made durable together with it. */
  readonly outbox?: readonly OutboxEntry[];
}

export interface OutboxEntry {
  readonly peer: string;
  /** Unique per peer; an entry with a known key replaces the old one. */
  readonly key: string;
  readonly bytes: Uint8Array;
}

export interface QuotaLimits {
  readonly bytes: number;
  readonly byteSeconds: number;
}

export interface Quotas {
  peer(name: string): QuotaLimits;
  destination(domain: string): QuotaLimits;
}

/** What live records (held, fetched, and blobs on their way in) commit. byteSeconds = blobBytes x seconds from heldAt to expiry. */
export interface Usage {
  readonly records: number;
  readonly bytes: number;
  readonly byteSeconds: number;
}

export interface QueueStatus extends Usage {
  readonly target: string;
  readonly oldestHeldAtMs?: number;
  readonly nextDueMs?: number;
}

export interface StoreStatus extends Usage {
  readonly capacityBytes: number;
  /** Kept free of blobs for receipts, openings and tombstones. */
  readonly reserveBytes: number;
  readonly tombstones: number;
  readonly incoming: number;
}

export interface Store {
  /** Takes records into custody as one unit per entry. Entries of many callers share one sync. */
  hold(entries: readonly HoldEntry[]): Promise<HoldResult[]>;
  /** Would `hold` have room? Asked before a byte of a blob is read from the wire. */
  room(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): HoldRefusal | undefined;
  /** Opens (or reopens) the way in for a large blob and reserves its quota. One receiver per record at a time: a second open is STORE_BUSY. */
  receiveBlob(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): Promise<BlobReceiver | HoldRefusal>;
  /** Legal steps are taken durably; the result says per step whether it was: an unknown rid or an illegal step gives false and changes nothing. */
  step(steps: readonly Step[]): Promise<boolean[]>;

  find(rid: Uint8Array): Promise<StoredRecord | undefined>;
  /** Every record, tombstones included, with this locator. */
  findByLocator(locator: Uint8Array): Promise<StoredRecord[]>;
  /**
   * Records with this locator whose blob can be served: held or fetched, and expiring after `nowMs`. Where there is
   * none, finding that out takes one time, whatever the reason.
   */
  findServable(locator: Uint8Array, nowMs: number): Promise<StoredRecord[]>;
  /** The blob of a held or fetched record; undefined when there is none. */
  blob(rid: Uint8Array): Promise<BlobSource | undefined>;
  /** The same for many, looked up together. */
  blobs(rids: readonly Uint8Array[]): Promise<(BlobSource | undefined)[]>;

  /** Held records of a queue whose due time has come, oldest due first. O(answer), whatever the queue's length. */
  due(target: string, nowMs: number, limit: number): Promise<StoredRecord[]>;
  nextDueMs(target: string): Promise<number | undefined>;
  reschedule(changes: readonly { readonly rid: Uint8Array; readonly schedule: Schedule }[]): Promise<void>;
  /** Makes up to `limit` records of a queue that wait for a later time due now, with no attempts counted: a sign of life. Returns how many it changed. O(answer). */
  hurry(target: string, nowMs: number, limit: number): Promise<number>;
  /** Queues that hold something. */
  queues(): Promise<QueueStatus[]>;
  /** Records of a queue in due order, for people: starts after `afterRid` when given. */
  list(target: string, limit: number, afterRid?: Uint8Array): Promise<StoredRecord[]>;

  /** Expires up to `limit` records (and abandoned incoming blobs and old tombstones) whose time has passed. Returns the expired records. */
  expire(nowMs: number, limit: number): Promise<StoredRecord[]>;

  /** Control items waiting for a peer, in order of arrival. */
  outbox(peer: string, limit: number): Promise<OutboxEntry[]>;
  outboxPut(entries: readonly OutboxEntry[]): Promise<void>;
  outboxRemove(peer: string, keys: readonly string[]): Promise<void>;

  /** Small values of the gateway's own (clock high-water mark, link back-off). Lost with the index, by design. */
  getMeta(key: string): Promise<Uint8Array | undefined>;
  putMeta(key: string, value: Uint8Array): Promise<void>;

  usage(kind: 'peer' | 'destination', name: string): Usage;
  status(): StoreStatus;
  /** Finishes what is in hand. Safe to call twice. */
  close(): Promise<void>;
}
