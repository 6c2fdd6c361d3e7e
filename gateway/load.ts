/** What one send carries: chosen by the packing stage, carried out by the forwarding stage, which do not know each other. */
import type { Freight, LinkSupport } from '../links/link.js';
import type { BlobSource, OutboxEntry, Store, StoredRecord } from '../store/store.js';
import type { Peer } from './peer-book.js';
import type { WantedRanges } from './wanted.js';

export interface LoadPiece {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
  readonly source: Pick<BlobSource, 'read'>;
}

/** What was chosen, before it becomes bytes. */
export interface Load {
  readonly records: readonly StoredRecord[];
  readonly controls: readonly OutboxEntry[];
  readonly pieces: readonly LoadPiece[];
  /** Set when this load carries pieces of one large blob. */
  readonly large?: { readonly rid: Uint8Array; readonly ranges: readonly (readonly [number, number])[] };
}

export interface PackedFreight extends Freight {
  /** Call it when the link has confirmed the freight, and looks at it no more. */
  release(): void;
}

export interface PackInput {
  readonly store: Store;
  readonly peer: Peer;
  readonly supports: LinkSupport;
  /** What the contact and the budget leave for one more send: Infinity where they set no limit. */
  readonly roomBytes: number;
  readonly nowMs: number;
  readonly largeBlobBytes: number;
  /** Records and outbox keys that travel right now, as hex and as keys. */
  readonly inHand: ReadonlySet<string>;
  readonly wanted: WantedRanges;
  /** Makes all of a large blob wanted before anybody asked: see chooseDue. */
  sendUnasked(stored: StoredRecord): Promise<void>;
  /** Called when the blob of a chosen record turns out not to be readable, before the attempt fails of it. */
  unreadable(stored: StoredRecord, thrown: unknown): Promise<void>;
}
