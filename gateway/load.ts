/** What one send carries: chosen by the packing stage, carried out by the forwarding stage, which do not know each other. */
import { toHex } from '../base/bytes.js';
import type { Freight, LinkSupport } from '../links/link.js';
import type { BlobSource, OutboxEntry, Store, StoredRecord } from '../store/store.js';
import type { Contact } from '../plan/contact.js';
import type { HeldBack, Priority } from '../plan/fill.js';
import type { Peer } from './peer-book.js';
import { HAVE_BYTES } from './unit-size.js';
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
  /** Records that go without their blobs, to tell the neighbour of them. They stand behind the others. */
  readonly notices?: readonly StoredRecord[];
  readonly controls: readonly OutboxEntry[];
  readonly pieces: readonly LoadPiece[];
  /** Set when this load carries pieces of one large blob. */
  readonly large?: { readonly rid: Uint8Array; readonly ranges: readonly (readonly [number, number])[] };
}

/** The packing stage, handed in by the gateway: stages do not import one another. */
export interface Packing {
  choose(input: PackInput): Promise<Load | undefined>;
  freight(peer: Peer, supports: LinkSupport, load: Load): Promise<PackedFreight>;
}

export interface PackedFreight extends Freight {
  /** Call it when the link has confirmed the freight, and looks at it no more. */
  release(): void;
}

export interface PackInput {
  readonly store: Pick<Store, 'outbox' | 'due' | 'find' | 'blob' | 'blobs'>;
  readonly peer: Peer;
  readonly supports: LinkSupport;
  /** What the contact and the budget leave for one more send: Infinity where they set no limit. */
  readonly roomBytes: number;
  readonly nowMs: number;
  readonly largeBlobBytes: number;
  /** Set where contacts, a budget or priorities say what goes; otherwise what is due goes in the order in which it is. */
  readonly filling?: Filling | undefined;
  /** Set where large blobs are to wait for another link. */
  readonly large?: LargeHeld | undefined;
  /** Records and outbox keys that travel right now, as hex and as keys. */
  readonly inHand: ReadonlySet<string>;
  readonly wanted: WantedRanges;
  /** Does what is due go before the pieces of a large blob? So that neither waits for the end of the other. */
  readonly isDuesTurn: boolean;
  /** Has the neighbour been sent all of this large blob unasked? Then it is asked what it lacks. */
  wasSentWhole(stored: StoredRecord): boolean;
  /** Makes all of a large blob wanted before anybody asked: see chooseDue. */
  sendUnasked(stored: StoredRecord): Promise<void>;
  /** Called when the blob of a chosen record turns out not to be readable, before the attempt fails of it. */
  unreadable(stored: StoredRecord, thrown: unknown): Promise<void>;
}

export interface LargeHeld {
  /** Is this record too large for the link, and to wait for another one? */
  holds(stored: StoredRecord): boolean;
  /** Is the neighbour to be told of this one, which is held? */
  isToTell(stored: StoredRecord): boolean;
  /** How many were at the last look: they stand in the way. */
  readonly before: number;
  /** Hears which of the due ones are held so. */
  tell(held: readonly StoredRecord[]): void;
}

/** What planning knows of a link at this moment. */
export interface Filling {
  readonly contact: Pick<Contact, 'rateBytesPerSec' | 'lightTimeMs'>;
  readonly leftBytes: number;
  readonly reservePercent: number;
  readonly ageingMs: number;
  /** Is the clock believed? Otherwise nothing counts as too late. */
  readonly trusted: boolean;
  /** How many stood in the way at the last look. */
  readonly stayed: number;
  priorityOf(stored: StoredRecord): Priority;
  /** Hears what was due and stays, and why. */
  tell(heldBack: HeldBack): void;
}

/** Pieces of one large blob may travel in several loads at once: its record is not "in hand". */
export function handKeys(load: Load): string[] {
  const whole = [...(load.large === undefined ? load.records : []), ...(load.notices ?? [])];
  return [...whole.map(({ record }) => toHex(record.rid)), ...load.controls.map((entry) => entry.key)];
}

/** What a load comes to, about: its framing is not counted. */
export function bytesOf(load: Load): number {
  const records = load.records.reduce((sum, { record }) => sum + record.bytes.length, 0) + (load.notices ?? []).reduce((sum, { record }) => sum + record.bytes.length + HAVE_BYTES, 0);
  const controls = load.controls.reduce((sum, entry) => sum + entry.bytes.length, 0);
  return load.pieces.reduce((sum, piece) => sum + piece.length, records + controls);
}
