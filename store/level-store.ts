/** The store behind the face of store.ts: who does what, and what must be in order before anything is done. */
import { equalBytes } from '../base/bytes.js';
import type { BlobRow } from './blob-row.js';
import { Compaction } from './compaction.js';
import { Custody } from './custody.js';
import { locatorPrefix, metaKey, RECORD_KEY_BYTES, recordKey, toBytes } from './keys.js';
import { encodeContent } from './log-content.js';
import { Queues } from './queues.js';
import type { KeyedRow } from './record-reader.js';
import { Reception } from './reception.js';
import { Retention } from './retention.js';
import { SmallBlobSource } from './small-blob-source.js';
import { isEnd } from './store.js';
import type { BlobReceiver, BlobSource, HoldEntry, HoldRefusal, HoldResult, OutboxEntry, QueueStatus, Schedule, Step, Store, StoredRecord, StoreStatus, Usage } from './store.js';
import { faultOf, storeClosed } from './store-errors.js';
import type { StoreParts } from './store-parts.js';

/** One locator has one record nearly always. */
const LOCATED_AT_ONCE = 3;

export class LevelStore implements Store {
  readonly #parts: StoreParts;
  readonly #custody: Custody;
  readonly #reception: Reception;
  readonly #retention: Retention;
  readonly #queues: Queues;
  readonly #compaction: Compaction;
  #closing: Promise<void> | undefined;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#custody = new Custody(parts);
    this.#reception = new Reception(parts);
    this.#retention = new Retention(parts, this.#custody);
    this.#queues = new Queues(parts);
    this.#compaction = new Compaction(parts);
    this.#compaction.poke();
  }

  hold(entries: readonly HoldEntry[]): Promise<HoldResult[]> {
    return this.#isReady ? this.#custody.hold(entries) : this.#holdWhenReady(entries);
  }

  room(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): HoldRefusal | undefined {
    return this.#custody.room(entry);
  }

  receiveBlob(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): Promise<BlobReceiver | HoldRefusal> {
    return this.#writing(() => this.#reception.receive(entry));
  }

  step(steps: readonly Step[]): Promise<boolean[]> {
    return this.#writing(async () => {
      const taken = await Promise.all(steps.map((step) => this.#custody.step(recordKey(step.rid), step)));
      this.#compaction.poke();
      return taken;
    });
  }

  find(rid: Uint8Array): Promise<StoredRecord | undefined> {
    return this.#reading(async () => {
      const record = recordKey(rid);
      const row = this.#parts.index.row(record);
      if (row === undefined) return undefined;
      const stored = await this.#parts.records.read({ record, row });
      return equalBytes(stored.record.rid, rid) ? stored : undefined;
    });
  }

  findByLocator(locator: Uint8Array): Promise<StoredRecord[]> {
    return this.#reading(async () => this.#parts.records.readMany(await this.#knownAt(locator)));
  }

  findServable(locator: Uint8Array, nowMs: number): Promise<StoredRecord[]> {
    return this.#reading(async () => {
      // Ends are told by the index alone: reading a tombstone's record from the log would tell it from nothing.
      const rows = await this.#rowsAt(locator);
      return this.#parts.records.readMany(rows.filter(({ row }) => !isEnd(row.state) && row.expirySec * 1000 > nowMs));
    });
  }

  blob(rid: Uint8Array): Promise<BlobSource | undefined> {
    return this.#reading(async () => {
      const { index } = this.#parts;
      const row = index.row(recordKey(rid));
      return row === undefined || isEnd(row.state) ? undefined : this.#source(rid, row.hash, index.blob(row.hash));
    });
  }

  blobs(rids: readonly Uint8Array[]): Promise<(BlobSource | undefined)[]> {
    return this.#reading(async () => {
      const { index } = this.#parts;
      const rows = await index.rows(rids.map(recordKey));
      const hashes = rows.map((row) => (row === undefined || isEnd(row.state) ? undefined : row.hash));
      const blobs = await index.blobs(hashes.map((hash) => hash ?? ''));
      return hashes.map((hash, i) => (hash === undefined ? undefined : this.#source(rids[i]!, hash, blobs[i])));
    });
  }

  due(target: string, nowMs: number, limit: number): Promise<StoredRecord[]> {
    if (this.#isOpen && this.#queues.isEmptyUntil(target, nowMs)) return Promise.resolve([]);
    return this.#reading(() => this.#queues.due(target, nowMs, limit));
  }

  nextDueMs(target: string): Promise<number | undefined> {
    const known = this.#isOpen ? this.#parts.due.knownFirst(target) : undefined;
    if (known !== undefined) return Promise.resolve(known.dueMs);
    return this.#reading(() => this.#queues.nextDueMs(target));
  }

  reschedule(changes: readonly { readonly rid: Uint8Array; readonly schedule: Schedule }[]): Promise<void> {
    return this.#writing(async () => this.#queues.reschedule(changes));
  }

  hurry(target: string, nowMs: number, limit: number): Promise<number> {
    return this.#writing(() => this.#queues.hurry(target, nowMs, limit));
  }

  queues(): Promise<QueueStatus[]> {
    return this.#reading(() => this.#queues.status());
  }

  list(target: string, limit: number, afterRid?: Uint8Array): Promise<StoredRecord[]> {
    return this.#reading(() => this.#queues.list(target, limit, afterRid));
  }

  expire(nowMs: number, limit: number): Promise<StoredRecord[]> {
    if (this.#isReady && this.#retention.isDone(nowMs)) return Promise.resolve([]);
    return this.#writing(async () => {
      const expired = await this.#retention.expire(nowMs, limit);
      this.#compaction.poke();
      return expired;
    });
  }

  outbox(peer: string, limit: number): Promise<OutboxEntry[]> {
    if (this.#isOpen && this.#parts.outbox.isEmpty(peer)) return Promise.resolve([]);
    return this.#reading(() => this.#parts.outbox.list(peer, limit));
  }

  outboxPut(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#writing(async () => {
      const { log, outbox, index } = this.#parts;
      if (entries.length === 0) return;
      await log.appendOne([encodeContent({ kind: 'outbox', entries })], ([position]) => {
        outbox.apply(entries, position!);
        index.applied(position!);
      });
    });
  }

  outboxRemove(peer: string, keys: readonly string[]): Promise<void> {
    return this.#writing(async () => this.#parts.outbox.remove(peer, keys));
  }

  getMeta(key: string): Promise<Uint8Array | undefined> {
    return this.#reading(async () => this.#parts.index.get(metaKey(key)));
  }

  putMeta(key: string, value: Uint8Array): Promise<void> {
    return this.#writing(async () => {
      this.#parts.index.put(metaKey(key), value.slice());
      await this.#parts.index.flush();
    });
  }

  usage(kind: 'peer' | 'destination', name: string): Usage {
    return this.#parts.book.usage(kind, name);
  }

  status(): StoreStatus {
    const { book, incoming } = this.#parts;
    return { ...book.total, ...book.room, tombstones: book.tombstones, incoming: incoming.size };
  }

  /** Resolves when compaction has nothing to do: for tests and for a quiet hour. */
  compact(): Promise<void> {
    return this.#writing(() => this.#compaction.idle());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { log, index, files } = this.#parts;
    await this.#compaction.stop();
    await log.idle();
    await files.settle();
    try {
      await index.close();
    } finally {
      await log.close();
    }
  }

  #source(rid: Uint8Array, hash: string, blob: BlobRow | undefined): BlobSource | undefined {
    const { index, files, log } = this.#parts;
    if (blob === undefined || blob.entry === 0) return undefined;
    if (blob.suffix !== undefined) return files.source(toBytes(hash), blob.suffix, blob.blobBytes, rid);
    return new SmallBlobSource(log, index, hash, blob, rid);
  }

  async #holdWhenReady(entries: readonly HoldEntry[]): Promise<HoldResult[]> {
    try {
      await this.#readyToWrite();
    } catch (error) {
      const fault = faultOf(this.#parts.dir, error);
      if (fault.code !== 'STORE_FULL') throw fault;
      return entries.map(() => ({ kind: 'refused', why: 'full' }));
    }
    return this.#custody.hold(entries);
  }

  /**
   * The look-up for fetches, whose time must not tell whether there are tombstones: as many keys are read, and as many rows
   * looked up, whoever's they turn out to be.
   */
  async #rowsAt(locator: Uint8Array): Promise<KeyedRow[]> {
    const { index } = this.#parts;
    const prefix = locatorPrefix(locator);
    const found = new Map<string, KeyedRow>();
    const add = (record: string, isWanted: boolean): void => {
      const row = index.unremembered(record);
      if (row !== undefined && isWanted) found.set(record, { record, row });
    };
    for (const record of index.waitingAt(locator)) add(record, true);
    for (let from = prefix; ; ) {
      const keys = await index.written.keysFrom(from, LOCATED_AT_ONCE);
      for (const key of keys) add(key.slice(-RECORD_KEY_BYTES), key.startsWith(prefix));
      const last = keys.at(-1);
      if (last?.startsWith(prefix) !== true) return [...found.values()];
      from = `${last}\0`;
    }
  }

  /** The look-up for those whose time tells nobody anything: an opening is answered before it is looked for. */
  async #knownAt(locator: Uint8Array): Promise<KeyedRow[]> {
    const { index } = this.#parts;
    const prefix = locatorPrefix(locator);
    const records = new Set(index.waitingAt(locator));
    for (let from = prefix; ; ) {
      const keys = (await index.written.keysFrom(from, LOCATED_AT_ONCE)).filter((key) => key.startsWith(prefix));
      for (const key of keys) records.add(key.slice(-RECORD_KEY_BYTES));
      if (keys.length < LOCATED_AT_ONCE) break;
      from = `${keys.at(-1)}\0`;
    }
    return [...records].flatMap((record) => {
      const row = index.row(record);
      return row === undefined ? [] : [{ record, row }];
    });
  }

  async #reading<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    return this.#coded(() => this.#parts.index.reading(work));
  }

  async #writing<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#isReady) await this.#coded(() => this.#readyToWrite());
    return this.#coded(() => this.#parts.index.reading(work));
  }

  get #isOpen(): boolean {
    return this.#closing === undefined;
  }

  get #isReady(): boolean {
    const { log, index } = this.#parts;
    return this.#isOpen && log.broken === undefined && index.stalled === undefined && !index.behind;
  }

  async #readyToWrite(): Promise<void> {
    const { log, index } = this.#parts;
    this.#assertOpen();
    if (log.broken !== undefined) throw log.broken;
    if (index.stalled !== undefined) {
      // What is on its way into the log looks at the index when it is there.
      await log.idle();
      await index.revive();
    }
    if (index.behind) await index.catchUp();
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw storeClosed(this.#parts.dir);
  }

  /** Whatever a disk or a database says comes out as one of our faults. */
  async #coded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw faultOf(this.#parts.dir, error);
    }
  }
}
