/** What the receiving stage needs of the accepting one, so that neither imports the other. */
import type { BatchHead } from '../wire/batch-head-reader.js';
import type { BlobRanges } from '../wire/ranges.js';
import type { Refusal } from '../wire/refusal.js';
import type { Peer } from './peer-book.js';

/** What became of the records of one batch. A record that stands in none of the three was not whole and may come again. */
export interface Taken {
  readonly rids: readonly Uint8Array[];
  readonly refusals: readonly Refusal[];
  readonly wants: readonly BlobRanges[];
  /** The earliest expiry among the records taken, Unix seconds. */
  readonly retainedUntilSec: number;
}

/** One batch on its way in. */
export interface Intake {
  /** Bytes of the blob of record number `index`, in the order in which they came. */
  piece(index: number, offset: number, bytes: Uint8Array): Promise<void>;
  /** The batch is whole: takes what can be taken. Rejects with a coded error when the batch as a whole is bad. */
  finish(): Promise<Taken>;
  /** The batch broke off or was bad. Nothing of it is taken; large blobs keep what came for another time. */
  abandon(): Promise<void>;
}

export type BeginIntake = (peer: Peer, head: BatchHead) => Promise<Intake>;
