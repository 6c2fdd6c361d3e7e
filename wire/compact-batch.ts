/**
 * The compact form of a batch, for links priced by the byte (spec/burst.md). It leaves out what both ends know or can
 * compute: who they are, counts and sums, the root, the hash of a blob that is there, all that maps repeat. Reading it gives the
 * batch back byte for byte, so that every signature in it holds.
 */
import assert from 'node:assert';
import { concatBytes, equalBytes, plainBytes } from '../base/bytes.js';
import { BATCH_LIMITS, encodePieceHead, offerTerms } from './batch.js';
import { BatchReader } from './batch-reader.js';
import type { BatchHead } from './batch-head-reader.js';
import { encodeCbor, encodeCborHead } from './cbor.js';
import { COMPACT, CONTROL, HOUR_SEC, PLAIN, RECORD } from './compact-forms.js';
import { readCompactHead } from './compact-head.js';
import { CompactReader } from './compact-reader.js';
import type { Control } from './control.js';
import { HASH_BYTES } from './digest.js';
import { overLimit, wrongValue } from './faults.js';
import { sha256Of } from './node-crypto.js';
import { encodeOffer } from './offer.js';
import { makeRecord } from './record.js';
import type { TransitRecord } from './record.js';

/** Whom both ends know without being told. */
export interface CompactEnds {
  /** kid8 of the sending peer. */
  readonly from: Uint8Array;
  /** kid8 of the receiving peer. */
  readonly to: Uint8Array;
}

/** What does not come back from the compact form exactly (keys to be ignored, another order of pieces) travels as it is, behind one byte. */
export function encodeCompactBatch(batch: Uint8Array, ends: CompactEnds): Uint8Array {
  const compact = tryCompact(batch, ends.from);
  const comesBack = compact !== undefined && compact.length <= batch.length && equalBytes(decodeCompactBatch(compact, ends, batch.length), batch);
  return comesBack ? compact : concatBytes(Uint8Array.of(PLAIN), batch);
}

/** The batch. Nothing in it has been verified. @param mostBytes the largest batch that is made of it */
export function decodeCompactBatch(bytes: Uint8Array, ends: CompactEnds, mostBytes: number): Uint8Array {
  if (bytes[0] === PLAIN) {
    if (bytes.length - 1 > mostBytes) throw overLimit('compact', 0, bytes.length - 1, mostBytes, 'bytes');
    return bytes.subarray(1);
  }
  const reader = new CompactReader(bytes, 'compact');
  const form = reader.byte('form');
  if (form !== COMPACT) throw wrongValue('compact/form', 0, String(form), '0 or 1');
  const head = readCompactHead(reader, ends.from);
  const parts: Uint8Array[] = [];
  const records: TransitRecord[] = [];
  for (const [index, entry] of head.records.entries()) {
    if ('bytes' in entry) {
      records.push(entry);
      continue;
    }
    const blob = entry.blobHash === undefined ? reader.bytes('blob', entry.blobBytes) : undefined;
    if (blob !== undefined && blob.length > 0) parts.push(pieceHead(index, 0, blob.length, reader), blob);
    records.push(makeRecord({ ...entry, blobHash: entry.blobHash ?? sha256Of(blob ?? new Uint8Array()) }));
  }
  if (!Number.isSafeInteger(records.reduce((sum, record) => sum + record.blobBytes, 0))) throw wrongValue('compact/records', 0, 'blobs beyond 2^53 bytes', 'a sum of lengths');
  while (!reader.atEnd) parts.push(...readPiece(reader));
  const offer = { ...ends, ...offerTerms(records, head.controls), sentSec: head.sentSec, nonce: head.nonce };
  const batchHead = concatBytes(encodeOffer(offer, () => head.signature), ...records.map((record) => record.bytes), ...head.controls);
  const length = parts.reduce((sum, part) => sum + part.length, batchHead.length);
  if (length > mostBytes) throw overLimit('compact', 0, length, mostBytes, 'bytes');
  return joined([batchHead, ...parts]);
}

function readPiece(reader: CompactReader): Uint8Array[] {
  const index = reader.uint('piece/index');
  const offset = reader.uint('piece/offset');
  const length = reader.uint('piece/length');
  const bytes = reader.bytes('piece/bytes', length);
  if (length === 0) throw wrongValue('compact/piece/length', reader.offset, '0', 'at least 1');
  return [pieceHead(index, offset, length, reader), bytes];
}

function pieceHead(index: number, offset: number, length: number, reader: CompactReader): Uint8Array {
  if (length > BATCH_LIMITS.pieceBytes) throw overLimit('compact/piece/length', reader.offset, length, BATCH_LIMITS.pieceBytes, 'bytes');
  return encodePieceHead(index, offset, length);
}

interface ReadPiece {
  readonly index: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Undefined for what is no batch at all: whoever made it will be told by who reads it. */
function tryCompact(batch: Uint8Array, from: Uint8Array): Uint8Array | undefined {
  let read;
  try {
    read = readBatch(batch);
  } catch {
    return undefined;
  }
  const { head, pieces } = read;
  const { offer } = head;
  const whole = wholePieces(head, pieces);
  const parts = [Uint8Array.of(COMPACT), encodeCbor(offer.sentSec), offer.nonce, offer.signature, encodeCbor(offer.recordCount), encodeCbor(offer.controlCount)];
  let before: TransitRecord | undefined;
  for (const [index, record] of head.records.entries()) {
    parts.push(...recordParts(record, before, whole.has(index), offer.sentSec));
    before = record;
  }
  for (const control of head.controls) parts.push(...controlParts(control, from, offer.sentSec));
  for (const [at, piece] of pieces.entries()) {
    if (at < whole.size) parts.push(piece.bytes);
    else parts.push(encodeCbor(piece.index), encodeCbor(piece.offset), encodeCbor(piece.bytes.length), piece.bytes);
  }
  return joined(parts);
}

/** There may be more pieces than a call takes arguments. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return plainBytes(Buffer.concat(parts));
}

function readBatch(batch: Uint8Array): { head: BatchHead; pieces: ReadPiece[] } {
  const reader = new BatchReader();
  let head: BatchHead | undefined;
  const pieces: ReadPiece[] = [];
  let place = { index: 0, offset: 0 };
  for (const event of reader.push(batch)) {
    if (event.kind === 'head') head = event.head;
    else if (event.kind === 'piece') place = event;
    else if (event.kind === 'data') pieces.push({ ...place, bytes: event.bytes });
  }
  reader.finish();
  assert(head !== undefined, 'a batch that ends well has a head');
  return { head, pieces };
}

/** The records whose blobs stand first among the pieces, whole and in the order of the records: their hashes, lengths and places are computed. */
function wholePieces({ records }: BatchHead, pieces: readonly ReadPiece[]): ReadonlySet<number> {
  const whole = new Set<number>();
  let last = -1;
  for (const { index, offset, bytes } of pieces) {
    const record = records[index];
    if (record === undefined || index <= last || offset !== 0 || bytes.length !== record.blobBytes || !equalBytes(sha256Of(bytes), record.blobHash)) break;
    whole.add(index);
    last = index;
  }
  return whole;
}

function recordParts(record: TransitRecord, before: TransitRecord | undefined, isWhole: boolean, sentSec: number): Uint8Array[] {
  const same = before !== undefined && before.destination === record.destination;
  // A record with more in it than we know would come back as another one.
  if (!equalBytes(makeRecord(record).bytes, record.bytes)) return [Uint8Array.of(0), ...sized(record.bytes)];
  const tag =
    RECORD.known | (record.acceptCommitment === undefined ? 0 : RECORD.accept) | (record.notification === undefined ? 0 : RECORD.notification) | (isWhole ? RECORD.whole : 0) | (same ? RECORD.sameDestination : 0);
  return [
    Uint8Array.of(tag),
    ...(same ? [] : sized(Buffer.from(record.destination, 'latin1'))),
    record.locator,
    encodeCbor(record.expirySec / HOUR_SEC - Math.floor(sentSec / HOUR_SEC)),
    encodeCbor(record.blobBytes),
    ...(isWhole ? [] : [record.blobHash]),
    record.retractCommitment,
    ...(record.acceptCommitment === undefined ? [] : [record.acceptCommitment]),
    ...(record.notification === undefined ? [] : sized(record.notification)),
  ];
}

function controlParts(control: Control, from: Uint8Array, sentSec: number): Uint8Array[] {
  if (control.kind === 'retract' || control.kind === 'accept') return [Uint8Array.of(CONTROL[control.kind]), control.locator, control.secret];
  const isOwnReceipt = control.kind === 'receipt' && control.taken.form === 'rids' && equalBytes(control.gateway, from);
  if (!isOwnReceipt || control.taken.form !== 'rids') return [Uint8Array.of(CONTROL.verbatim), ...sized(control.bytes)];
  const { offerNonce, taken, acceptedSec, retainedUntilSec, signature } = control;
  assert(taken.rids.every((rid) => rid.length === HASH_BYTES), 'a receipt was read');
  return [
    Uint8Array.of(offerNonce === undefined ? CONTROL.receipt : CONTROL.receiptToOffer),
    encodeCbor(taken.rids.length),
    ...taken.rids,
    encodeCbor(acceptedSec - sentSec),
    encodeCbor(retainedUntilSec - acceptedSec),
    ...(offerNonce === undefined ? [] : [offerNonce]),
    signature,
  ];
}

function sized(bytes: Uint8Array): Uint8Array[] {
  return [encodeCborHead(0, bytes.length), bytes];
}
