/** What a store is made of, and the limits it is made to. assemble.ts puts it together. */
import type { Clock } from '../base/clock.js';
import type { BlobFiles } from './blob-files.js';
import type { Busy } from './busy.js';
import type { DueQueue } from './due-queue.js';
import type { Expiry } from './expiry.js';
import type { IncomingBlobs } from './incoming.js';
import type { Ledger } from './ledger.js';
import type { LiveBytes } from './live-bytes.js';
import type { Outbox } from './outbox.js';
import type { RecordReader } from './record-reader.js';
import type { SegmentLog } from './segment-log.js';
import type { StoreEvent } from './store-event.js';
import type { StoreIndex } from './store-index.js';
import type { UsageBook } from './usage-book.js';

export interface StoreLimits {
  /** What blobs may take together, the reserve included. */
  readonly capacityBytes: number;
  /** Part of the capacity kept free of blobs for receipts, openings and tombstones. */
  readonly reserveFraction: number;
  /** Blobs from this size on are files of their own. */
  readonly largeBlobBytes: number;
  readonly segmentBytes: number;
  /** Freed segments kept to be written again. */
  readonly spareSegments: number;
  /** How far a new segment file is made longer than what is in it, so that writing to it is one flush. 0 where the store is open for a moment only. */
  readonly aheadBytes: number;
  /** How long after a record's expiry its tombstone stands. */
  readonly tombstoneMs: number;
  /** Write buffer of the index: more makes bulk work smoother and opening after a crash slower. */
  readonly indexBufferBytes: number;
  readonly indexCacheBytes: number;
}

/** Fit for a small machine with an SD card; a box with a disk gives more to segments and index. */
export const DEFAULT_LIMITS: StoreLimits = {
  capacityBytes: 16 * 2 ** 30,
  reserveFraction: 0.1,
  largeBlobBytes: 2 ** 20,
  segmentBytes: 16 * 2 ** 20,
  spareSegments: 4,
  aheadBytes: 2 ** 20,
  tombstoneMs: 7 * 24 * 3600 * 1000,
  indexBufferBytes: 8 * 2 ** 20,
  indexCacheBytes: 8 * 2 ** 20,
};

export interface StoreParts {
  readonly dir: string;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly report: (event: StoreEvent) => void;
  /** What the disk has room for. */
  readonly freeBytes: () => Promise<number>;
  readonly log: SegmentLog;
  readonly index: StoreIndex;
  readonly book: UsageBook;
  readonly due: DueQueue;
  readonly expiry: Expiry;
  readonly outbox: Outbox;
  readonly live: LiveBytes;
  readonly ledger: Ledger;
  readonly incoming: IncomingBlobs;
  readonly files: BlobFiles;
  readonly records: RecordReader;
  readonly busy: {
    /** Records with a change on the way to the log. */
    readonly records: Busy;
    /** Blobs that are being stored or let go: nobody can rely on them being there or not. */
    readonly blobs: Busy;
    /** Blobs that a record on its way to the log shares. */
    readonly shared: Busy;
  };
}
