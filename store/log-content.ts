/**
 * What the entries of the log say (spec/store-format.md): encoder and decoder of each payload side by side.
 * A decoded value copies what it keeps, because a payload is a view on a buffer that moves on.
 */
import { copyBytes } from '../base/bytes.js';
import { decodeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import { ByteReader, ByteWriter } from './binary.js';
import { RECORD_KEY_BYTES, fromBytes } from './keys.js';
import type { EntryKind, LogItem } from './log-entry.js';
import type { OutboxEntry, RecordState } from './store.js';
import { damaged } from './store-errors.js';

/** The bytes of a small blob, behind their hash. */
export interface BlobContent {
  readonly kind: 'blob';
  readonly hash: Uint8Array;
  readonly blobBytes: number;
}

/** A large blob is complete in the file named for its hash and `suffix`. */
export interface BlobFileContent {
  readonly kind: 'blob-file';
  readonly hash: Uint8Array;
  readonly blobBytes: number;
  readonly suffix: string;
}

/**
 * record: custody was taken. copy: where compaction has moved a record to, with all that is known of it.
 * Due times are not here: whoever rebuilds from the log makes everything due at once.
 */
export interface RecordContent {
  readonly kind: 'record' | 'copy';
  readonly record: TransitRecord;
  readonly state: RecordState;
  readonly from: string;
  readonly to?: string;
  readonly heldAtMs: number;
  readonly target: string;
}

export interface StepContent {
  readonly kind: 'step';
  /** Record key; see keys.ts. */
  readonly record: string;
  /** The state it left. */
  readonly was: RecordState;
  readonly state: RecordState;
  readonly to?: string;
  readonly outbox: readonly OutboxEntry[];
}

export interface OutboxContent {
  readonly kind: 'outbox';
  readonly entries: readonly OutboxEntry[];
}

/** The blob of a record is complete and waits for the record to be held. */
export interface ArrivedContent {
  readonly kind: 'arrived';
  readonly record: TransitRecord;
  readonly from: string;
  readonly heldAtMs: number;
}

/** Ended records in front of this entry that expire at or before `expirySec` are forgotten. */
export interface HorizonContent {
  readonly kind: 'horizon';
  readonly expirySec: number;
}

export type LogContent = BlobContent | BlobFileContent | RecordContent | StepContent | OutboxContent | ArrivedContent | HorizonContent;

/** Numbers of the states on disk. They are for ever. */
const STATES: readonly RecordState[] = ['held', 'fetched', 'forwarded', 'accepted', 'retracted', 'expired', 'dropped'];
const HASH_BYTES = 32;
const TIME_BYTES = 6;
const SIZE_BYTES = 6;
/** What is written here is copied before anything else is. */
const WRITER = new ByteWriter();

/** A blob as it goes into the log, with what the log then says. */
export interface BlobEntry {
  readonly item: LogItem;
  readonly content: BlobContent | BlobFileContent;
}

export function smallBlob(hash: Uint8Array, blob: Uint8Array): BlobEntry {
  return { item: { kind: 'blob', parts: [hash, blob] }, content: { kind: 'blob', hash, blobBytes: blob.length } };
}

export function largeBlob(hash: Uint8Array, blobBytes: number, suffix: string): BlobEntry {
  const content: BlobFileContent = { kind: 'blob-file', hash, blobBytes, suffix };
  return { item: encodeContent(content), content };
}

/** What the entry of a blob holds, by what the index knows of it. */
export function payloadBytesOfBlob({ blobBytes, suffix }: { readonly blobBytes: number; readonly suffix: string | undefined }): number {
  return suffix === undefined ? BLOB_PAYLOAD_OFFSET + blobBytes : HASH_BYTES + SIZE_BYTES + 2 + suffix.length;
}

/** Where the bytes of a blob begin in the payload of its entry. */
export const BLOB_PAYLOAD_OFFSET = HASH_BYTES;

export function encodeContent(content: Exclude<LogContent, BlobContent>): LogItem {
  const writer = WRITER.restart();
  switch (content.kind) {
    case 'blob-file':
      writer.fixed(content.hash).uint(content.blobBytes, SIZE_BYTES).text(content.suffix);
      break;
    case 'record':
    case 'copy':
      writer.uint(stateNumber(content.state), 1).uint(content.heldAtMs, TIME_BYTES).text(content.from).text(content.to ?? '').text(content.target).uint(content.record.bytes.length, 4);
      // The record goes to the log from where it is.
      return { kind: content.kind, parts: [writer.copy(), content.record.bytes] };
    case 'step':
      writer.latin1(content.record).uint(stateNumber(content.was), 1).uint(stateNumber(content.state), 1).text(content.to ?? '');
      writeOutbox(writer, content.outbox);
      break;
    case 'outbox':
      writeOutbox(writer, content.entries);
      break;
    case 'arrived':
      writer.uint(content.heldAtMs, TIME_BYTES).text(content.from).bytes(content.record.bytes);
      break;
    case 'horizon':
      writer.uint(content.expirySec, TIME_BYTES);
      break;
  }
  return { kind: content.kind, parts: [writer.copy()] };
}

export function decodeContent(kind: EntryKind, payload: Uint8Array): LogContent {
  const reader = new ByteReader(payload, `a ${kind} entry of the log`);
  const content = read(kind, reader, payload.length);
  reader.end();
  return content;
}

function read(kind: EntryKind, reader: ByteReader, payloadBytes: number): LogContent {
  switch (kind) {
    case 'blob': {
      const hash = copyBytes(reader.fixed(HASH_BYTES));
      const blobBytes = payloadBytes - BLOB_PAYLOAD_OFFSET;
      reader.fixed(blobBytes);
      return { kind, hash, blobBytes };
    }
    case 'blob-file':
      return { kind, hash: copyBytes(reader.fixed(HASH_BYTES)), blobBytes: reader.uint(SIZE_BYTES), suffix: reader.text() };
    case 'record':
    case 'copy': {
      const state = readState(reader);
      const heldAtMs = reader.uint(TIME_BYTES);
      const from = reader.text();
      const to = reader.text();
      const target = reader.text();
      const record = decodeRecord(copyBytes(reader.bytes()), 'a stored record');
      return { kind, record, state, from, ...(to !== '' && { to }), heldAtMs, target };
    }
    case 'step': {
      const record = fromBytes(reader.fixed(RECORD_KEY_BYTES));
      const was = readState(reader);
      const state = readState(reader);
      const to = reader.text();
      return { kind, record, was, state, ...(to !== '' && { to }), outbox: readOutbox(reader) };
    }
    case 'outbox':
      return { kind, entries: readOutbox(reader) };
    case 'arrived': {
      const heldAtMs = reader.uint(TIME_BYTES);
      const from = reader.text();
      return { kind, record: decodeRecord(copyBytes(reader.bytes()), 'a stored record'), from, heldAtMs };
    }
    case 'horizon':
      return { kind, expirySec: reader.uint(TIME_BYTES) };
  }
}

export function stateNumber(state: RecordState): number {
  return STATES.indexOf(state);
}

export function readState(reader: ByteReader): RecordState {
  const state = STATES[reader.uint(1)];
  if (state === undefined) throw damaged('the state of a record');
  return state;
}

function writeOutbox(writer: ByteWriter, entries: readonly OutboxEntry[]): void {
  writer.uint(entries.length, 4);
  for (const entry of entries) writer.text(entry.peer).text(entry.key).bytes(entry.bytes);
}

function readOutbox(reader: ByteReader): OutboxEntry[] {
  const entries: OutboxEntry[] = [];
  for (let left = reader.uint(4); left > 0; left -= 1) {
    entries.push({ peer: reader.text(), key: reader.text(), bytes: copyBytes(reader.bytes()) });
  }
  return entries;
}
