/**
 * What each entry of the log does to the index: the one place that knows, used when an entry has just been written and
 * again when the log is replayed. Applying an entry twice, or to an index that has seen it and a part of what follows,
 * changes nothing: rows and counters carry the position up to which they are true.
 */
import type { BlobRow } from './blob-row.js';
import type { DueQueue } from './due-queue.js';
import type { Expiry } from './expiry.js';
import { hashKey, keysOf, toBytes } from './keys.js';
import type { RecordKeys } from './keys.js';
import type { BlobContent, BlobEntry, BlobFileContent, RecordContent, StepContent } from './log-content.js';
import type { LiveBytes } from './live-bytes.js';
import { payloadBytesOfBlob } from './log-content.js';
import type { Outbox } from './outbox.js';
import type { Position } from './position.js';
import type { RecordRow } from './record-row.js';
import { isEnd } from './store.js';
import type { RecordState, Schedule } from './store.js';
import type { StoreIndex } from './store-index.js';
import type { Charge, TotalChange, UsageBook } from './usage-book.js';

export interface LedgerParts {
  readonly index: StoreIndex;
  readonly book: UsageBook;
  readonly due: DueQueue;
  readonly expiry: Expiry;
  readonly outbox: Outbox;
  readonly live: LiveBytes;
  /** Whether a blob without a record must stay, because its record is on the way. */
  readonly isAwaited: (hash: string) => boolean;
  /** A file is no longer anybody's. */
  readonly onFileDead: (hash: Uint8Array, suffix: string) => void;
}

/** Where an entry stands in the log. */
export interface Logged {
  readonly position: Position;
  readonly payloadBytes: number;
}

/** What a record that has just been written is counted by. */
interface AtHand {
  readonly charge?: Charge | undefined;
  /** Not in the index yet. */
  readonly blob?: BlobRow | undefined;
}

const NOTHING_AT_HAND: AtHand = {};
const NOTHING_SEEN: Omit<BlobRow, 'blobBytes'> = { position: 0, references: 0, entry: 0, suffix: undefined };

export class Ledger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** @param known the row of the blob, if there is one */
  applyBlob(content: BlobContent | BlobFileContent, position: Position, known: BlobRow | undefined, key = hashKey(content.hash)): void {
    if (known === undefined || known.position < position) this.#parts.index.putBlob(key, this.#countBlob(content, position, known));
  }

  /**
   * Takes in a record that has just been written, behind its blob where that is new: what the two do one after the other.
   * @param charge of the record, where it is at hand
   */
  applyHeld(content: RecordContent, logged: Logged, schedule: Schedule, keys: RecordKeys, charge: Charge | undefined, blob: BlobEntry | undefined, blobPosition: Position): void {
    const row = blob === undefined ? undefined : this.#countBlob(blob.content, blobPosition, undefined);
    this.applyRecord(content, logged, schedule, undefined, keys, { charge, blob: row });
  }

  /**
   * @param schedule of a record that is new to the index
   * @param known the row of the record, if there is one
   * @param atHand what need not be looked up
   */
  applyRecord(content: RecordContent, logged: Logged, schedule: Schedule, known: RecordRow | undefined, keys = keysOf(content.record), atHand: AtHand = NOTHING_AT_HAND): void {
    const { index, due, expiry, live } = this.#parts;
    const { record } = content;
    const { position } = logged;
    const key = keys.record;
    index.addLocator(record.locator, key);
    expiry.add(key, record.expirySec, isEnd(content.state));
    if (known === undefined || known.position < position) {
      const row = known === undefined ? newRow(content, keys.hash, logged, schedule) : movedRow(known, content, logged);
      if (known === undefined) index.addRow(key, row);
      else index.putRow(key, row);
      if (row.state === 'held') due.add(key, row);
      if (known !== undefined) live.count(known.entry, known.entryPayloadBytes, -1, position);
      live.count(position, logged.payloadBytes, 1, position);
    }
    if (content.kind === 'record' || known === undefined) this.#countIn(content, keys.hash, position, atHand);
    // A copy tells what became of the record too: the steps themselves may be gone with their segments.
    else this.#countChange(known, content.state, position);
  }

  applyStep(content: StepContent, position: Position): void {
    const { index, outbox, due } = this.#parts;
    outbox.apply(content.outbox, position);
    const row = index.row(content.record);
    if (row === undefined) return;
    if (row.position < position) {
      if (row.state === 'held') due.left(content.record, row);
      index.putRow(content.record, { ...row, position, state: content.state, ...(content.to !== undefined && { to: content.to }) });
    }
    // A row that is behind may have missed a step whose segment is gone; one that is ahead knows only where it is now.
    const was = row.position < position ? row.state : content.was;
    this.#countChange({ ...row, state: was }, content.state, position);
  }

  /** Changes the schedule of a held record. The log does not hear of it. */
  reschedule(key: string, row: RecordRow, schedule: Schedule): void {
    const { index, book, due } = this.#parts;
    const changed = { ...row, schedule };
    due.left(key, row);
    index.putRow(key, changed);
    due.add(key, changed);
    if (schedule.target === row.schedule.target) return;
    const charge = this.#chargeOf(row);
    book.countQueue(row.schedule.target, charge, -1);
    book.countQueue(schedule.target, charge, 1);
  }

  /**
   * Ends a record that must have ended: the log says that it was forgotten, and the steps are gone with their segments.
   * Happens only while an index is made from nothing, so nothing of it can have been counted before.
   */
  endUnseen(key: string, row: RecordRow): void {
    if (isEnd(row.state)) return;
    this.#parts.index.putRow(key, { ...row, state: 'expired' });
    this.#countChange(row, 'expired', undefined);
  }

  /** Removes all trace of an ended record. */
  forget(key: string, row: RecordRow, locator: Uint8Array | undefined): void {
    const { index, book, live } = this.#parts;
    index.putRow(key, null);
    live.count(row.entry, row.entryPayloadBytes, -1);
    if (locator !== undefined) index.removeLocator(locator, key);
    book.countTotal({ tombstones: -1 });
  }

  /** Removes a record that was never whole: its blob is not there. */
  disown(key: string, row: RecordRow, locator: Uint8Array): void {
    const { index, book, live } = this.#parts;
    live.count(row.entry, row.entryPayloadBytes, -1);
    const charge = this.#chargeOf(row);
    index.putRow(key, null);
    index.removeLocator(locator, key);
    index.putBlob(row.hash, null);
    book.count(charge, -1);
    book.countTotal({ records: -1, bytes: -charge.bytes, byteSeconds: -charge.byteSeconds });
    if (row.state === 'held') book.countQueue(row.schedule.target, charge, -1);
  }

  /** Removes a blob that no record and no transfer needs, if that is so. */
  dropIfIdle(hash: Uint8Array): void {
    const { index, book } = this.#parts;
    const key = hashKey(hash);
    const row = index.blob(key);
    if (row === undefined || row.references > 0 || this.#parts.isAwaited(key)) return;
    index.putBlob(key, null);
    if (row.suffix !== undefined) this.#parts.onFileDead(hash, row.suffix);
    if (row.entry === 0) return;
    this.#countBlobEntry(row, -1);
    book.countTotal({ storedBytes: -row.blobBytes });
  }

  /** Returns the row of a blob with what a log entry says of it. */
  #countBlob(content: BlobContent | BlobFileContent, position: Position, known: BlobRow | undefined): BlobRow {
    if (known !== undefined && known.entry !== 0) this.#countBlobEntry(known, -1, position);
    if (known?.suffix !== undefined && !(content.kind === 'blob-file' && content.suffix === known.suffix)) this.#parts.onFileDead(content.hash, known.suffix);
    const { references } = known ?? NOTHING_SEEN;
    const row: BlobRow = { position, references, entry: position, blobBytes: content.blobBytes, suffix: content.kind === 'blob-file' ? content.suffix : undefined };
    this.#countBlobEntry(row, 1, position);
    if ((known?.entry ?? 0) === 0) this.#parts.book.countTotal({ storedBytes: content.blobBytes }, position);
    return row;
  }

  #countBlobEntry(row: BlobRow, sign: 1 | -1, at?: Position): void {
    this.#parts.live.count(row.entry, payloadBytesOfBlob(row), sign, at);
  }

  #chargeOf(row: RecordRow): Charge {
    return this.#parts.book.charge(row, row.from, row.heldAtMs);
  }

  #countIn(content: RecordContent, key: string, position: Position, atHand: AtHand): void {
    const { index, book } = this.#parts;
    if (isEnd(content.state)) return book.countTotal({ tombstones: 1 }, position);
    const charge = atHand.charge ?? book.charge(content.record, content.from, content.heldAtMs);
    book.count(charge, 1, position);
    book.countTotal({ records: 1, bytes: charge.bytes, byteSeconds: charge.byteSeconds }, position);
    if (content.state === 'held') book.countQueue(content.target, charge, 1, position);
    const blob = atHand.blob ?? index.blob(key) ?? { ...NOTHING_SEEN, blobBytes: content.record.blobBytes };
    if (blob.position < position) index.putBlob(key, { ...blob, position, references: blob.references + 1 });
  }

  #countChange(was: RecordRow, state: RecordState, position: Position | undefined): void {
    if (was.state === 'held' && state !== 'held') this.#parts.book.countQueue(was.schedule.target, this.#chargeOf(was), -1, position);
    if (!isEnd(was.state) && isEnd(state)) this.#countOut(was, position);
  }

  #countOut(row: RecordRow, position: Position | undefined): void {
    const { index, book } = this.#parts;
    const charge = this.#chargeOf(row);
    book.count(charge, -1, position);
    const change: TotalChange = { records: -1, bytes: -charge.bytes, byteSeconds: -charge.byteSeconds, tombstones: 1 };
    const key = row.hash;
    const blob = index.blob(key);
    if (blob === undefined || (position !== undefined && blob.position >= position)) return book.countTotal(change, position);
    const references = Math.max(0, blob.references - 1);
    if (references > 0 || this.#parts.isAwaited(key)) {
      index.putBlob(key, { ...blob, position: position ?? blob.position, references });
      return book.countTotal(change, position);
    }
    index.putBlob(key, null);
    if (blob.suffix !== undefined) this.#parts.onFileDead(toBytes(key), blob.suffix);
    if (blob.entry !== 0) this.#countBlobEntry(blob, -1, position);
    book.countTotal({ ...change, storedBytes: blob.entry === 0 ? 0 : -blob.blobBytes }, position);
  }
}

function newRow(content: RecordContent, hash: string, { position, payloadBytes }: Logged, schedule: Schedule): RecordRow {
  const { record } = content;
  return {
    position,
    entry: position,
    entryPayloadBytes: payloadBytes,
    state: content.state,
    from: content.from,
    to: content.to,
    heldAtMs: content.heldAtMs,
    destination: record.destination,
    expirySec: record.expirySec,
    blobBytes: record.blobBytes,
    hash,
    schedule,
  };
}

function movedRow(known: RecordRow, { state, to }: RecordContent, { position, payloadBytes }: Logged): RecordRow {
  return { ...known, state, ...(to !== undefined && { to }), position, entry: position, entryPayloadBytes: payloadBytes };
}
