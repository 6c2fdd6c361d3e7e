/** Puts a store together from a disk and a database, and brings the two in step. */
import { toHex } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { join } from 'node:path';
import { BlobFiles } from './blob-files.js';
import { Busy } from './busy.js';
import type { Disk } from './disk.js';
import { DueQueue } from './due-queue.js';
import { Expiry } from './expiry.js';
import { IncomingBlobs } from './incoming.js';
import { after, incomingKey } from './keys.js';
import { Ledger } from './ledger.js';
import { LevelStore } from './level-store.js';
import { readNotes } from './index-notes.js';
import type { IndexNotes } from './index-notes.js';
import type { KeyValue } from './key-value.js';
import { LiveBytes } from './live-bytes.js';
import { Outbox } from './outbox.js';
import { Pages } from './pages.js';
import { LARGEST_SEGMENT_BYTES, sequenceOf } from './position.js';
import { RecordReader } from './record-reader.js';
import { Recovery } from './recovery.js';
import { SegmentLog } from './segment-log.js';
import type { LogFault } from './segment-log.js';
import type { Quotas } from './store.js';
import type { StoreEvent } from './store-event.js';
import { faultOf, isIndexDamage } from './store-errors.js';
import { StoreIndex } from './store-index.js';
import { DEFAULT_LIMITS } from './store-parts.js';
import type { StoreLimits, StoreParts } from './store-parts.js';
import { UsageBook } from './usage-book.js';

/** The database of the index, kept under a lock while it is open. */
export interface IndexDatabase {
  open(): Promise<KeyValue>;
  /** Removes a closed database. */
  destroy(): Promise<void>;
}

export interface AssembleOptions {
  readonly dir: string;
  readonly disk: Disk;
  readonly database: IndexDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly quotas: Quotas;
  readonly limits?: Partial<StoreLimits>;
  readonly report?: (event: StoreEvent) => void;
}

const STORE_ID_BYTES = 16;
/** A segment takes a few of the largest blobs that go into one, or too much of it would stay empty at the end. */
const SEGMENT_TIMES_LARGEST_BLOB = 3;

export async function assembleStore(options: AssembleOptions): Promise<LevelStore> {
  let kv: KeyValue | undefined;
  try {
    for (;;) {
      kv = await options.database.open();
      const store = await tryToAssemble(options, kv).catch((error: unknown) => {
        if (!isIndexDamage(error)) throw error;
        return undefined;
      });
      if (store !== undefined) return store;
      // Everything in the index can be made again from the log.
      await kv.close();
      await options.database.destroy();
    }
  } catch (error) {
    await kv?.close().catch(() => undefined);
    throw faultOf(options.dir, error);
  }
}

/** Returns undefined when this index is of no use for this log. */
async function tryToAssemble(options: AssembleOptions, kv: KeyValue): Promise<LevelStore | undefined> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const notes = readNotes(kv);
  // A log in which nothing stands yet has no identity of its own.
  const log = await openLog(options, limits, notes?.storeId ?? options.random.bytes(STORE_ID_BYTES));
  let store: LevelStore | undefined;
  try {
    if (notes !== undefined && !isUsable(notes, log)) return undefined;
    const parts = await makeParts(options, limits, log, kv, notes ?? { storeId: log.storeId, watermark: 0, through: 0 });
    const report = await new Recovery(parts).run();
    if (report === undefined) return undefined;
    if (notes === undefined) {
      // From here on only an index that was lost is without notes.
      await parts.index.checkpoint();
      if (report.entries > 0) options.report?.({ kind: 'index-rebuilt', entries: report.entries });
    }
    if (report.disowned.length > 0) options.report?.({ kind: 'records-lost', rids: report.disowned.map(toHex) });
    store = new LevelStore(parts);
    return store;
  } finally {
    if (store === undefined) await log.close();
  }
}

function openLog(options: AssembleOptions, limits: StoreLimits, newStoreId: Uint8Array): Promise<SegmentLog> {
  return SegmentLog.open({
    disk: options.disk,
    dir: join(options.dir, 'segments'),
    segmentBytes: Math.min(LARGEST_SEGMENT_BYTES, Math.max(limits.segmentBytes, SEGMENT_TIMES_LARGEST_BLOB * limits.largeBlobBytes)),
    spareSegments: limits.spareSegments,
    aheadBytes: limits.aheadBytes,
    newStoreId,
    monotonicMs: () => options.clock.monotonicMs(),
    report: ({ file, stretch }: LogFault) =>
      options.report?.({ kind: 'damaged', file, ...(stretch !== undefined && { startByte: stretch.startOffset, endByte: stretch.endOffset }) }),
  });
}

/** Whether the log can bring an index with these notes up to date. */
function isUsable(notes: IndexNotes, log: SegmentLog): boolean {
  if (toHex(notes.storeId) !== toHex(log.storeId)) return false;
  return log.recycledSequence === 0 || sequenceOf(notes.watermark) > log.recycledSequence;
}

async function makeParts(options: AssembleOptions, limits: StoreLimits, log: SegmentLog, kv: KeyValue, notes: IndexNotes): Promise<StoreParts> {
  const { dir, clock, random, quotas } = options;
  const reserveBytes = Math.ceil(limits.capacityBytes * limits.reserveFraction);
  const book = new UsageBook({ capacityBytes: limits.capacityBytes, reserveBytes, quotas });
  const pages = new Pages(random);
  const freeBytes = (): Promise<number> => options.disk.freeBytes(dir);
  const index: StoreIndex = new StoreIndex({
    kv,
    pages,
    notes,
    clock,
    checkpointBytes: limits.indexBufferBytes,
    freeBytes,
    beforeCheckpoint(put) {
      book.drain(put);
      live.drain(put);
      expiry.drain(put);
    },
  });
  const due = new DueQueue(index, pages);
  const expiry = new Expiry(index, pages);
  const live = new LiveBytes();
  const outbox = new Outbox(index, live);
  const incoming = new IncomingBlobs(index, book, live);
  const files = new BlobFiles(options.disk, join(dir, 'blobs'), random);
  await files.open();
  for await (const [key, value] of index.range('u', after('u'))) book.load(key, value);
  for await (const [key, value] of index.range('g', after('g'))) live.load(key, value);
  for await (const [, value] of index.range(incomingKey(''), after(incomingKey('')))) incoming.load(value);
  const ledger = new Ledger({
    index,
    book,
    due,
    expiry,
    outbox,
    live,
    isAwaited: (hash) => incoming.isAwaited(hash),
    onFileDead: (hash, suffix) => files.remove(hash, suffix),
  });
  const report = options.report ?? (() => undefined);
  return { dir, limits, clock, report, freeBytes, log, index, book, due, expiry, outbox, ledger, incoming, files, live, records: new RecordReader(log, index), busy: { records: new Busy(), blobs: new Busy(), shared: new Busy() } };
}
