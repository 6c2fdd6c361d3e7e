/**
 * Batches: every hand-over between two parties, whatever carries it (spec/batch.md). A batch is a CBOR sequence
 * of an offer, records, controls and then pieces of blobs. Here it is written; wire/batch-reader.ts reads it.
 */
import assert from 'node:assert';
import { concatBytes } from '../base/bytes.js';
import { encodeCbor, encodeCborHead } from './cbor.js';
import type { SigningKey } from './keys.js';
import { merkleRoot } from './merkle.js';
import { makeOffer } from './offer.js';
import type { Offer } from './offer.js';
import type { TransitRecord } from './record.js';

export interface BatchLimits {
  readonly records: number;
  readonly controls: number;
  /** Offer, records and controls together: what a reader holds in memory. */
  readonly headBytes: number;
  readonly pieceBytes: number;
}

/** A reader refuses beyond these, so a writer stays within them. */
export const BATCH_LIMITS: BatchLimits = { records: 4096, controls: 4096, headBytes: 8 * 1024 * 1024, pieceBytes: 4 * 1024 * 1024 };

export interface BatchHeadFields {
  readonly key: SigningKey;
  /** kid8 of the receiving peer. */
  readonly to: Uint8Array;
  readonly records: readonly TransitRecord[];
  /** Encoded, each one control. */
  readonly controls: readonly Uint8Array[];
  readonly sentSec: number;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
}

/** Offer, records and controls. Pieces follow it, or nothing does. */
export function encodeBatchHead({ key, to, records, controls, sentSec, nonce }: BatchHeadFields): Uint8Array {
  assert(records.length <= BATCH_LIMITS.records && controls.length <= BATCH_LIMITS.controls, 'a batch has bounds');
  const items = [...records.map((record) => record.bytes), ...controls];
  const offer = makeOffer(key, { to, ...offerTerms(records, controls), sentSec, nonce });
  const head = concatBytes(offer.bytes, ...items);
  assert(head.length <= BATCH_LIMITS.headBytes, 'a batch head has a bound');
  return head;
}

/** What an offer says of the contents of its batch. */
export function offerTerms(records: readonly TransitRecord[], controls: readonly Uint8Array[]): Pick<Offer, 'root' | 'recordCount' | 'blobBytes' | 'controlCount'> {
  return {
    root: merkleRoot([...records.map((record) => record.bytes), ...controls]),
    recordCount: records.length,
    blobBytes: records.reduce((sum, record) => sum + record.blobBytes, 0),
    controlCount: controls.length,
  };
}

/**
 * Opens a piece: exactly `length` bytes of the blob of record number `index`, from `offset` on, are sent after it.
 */
export function encodePieceHead(index: number, offset: number, length: number): Uint8Array {
  assert(length > 0 && length <= BATCH_LIMITS.pieceBytes, 'a piece has bounds');
  return concatBytes(PIECE_ARRAY, encodeCbor(index), encodeCbor(offset), encodeCborHead(2, length));
}

const PIECE_ARRAY = encodeCborHead(4, 3);
