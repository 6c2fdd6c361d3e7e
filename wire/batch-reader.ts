/**
 * Reads a batch as it arrives, in chunks of any size (spec/batch.md). The head is held, within limits, and given
 * out whole once it agrees with its offer; blob bytes pass through as views on the chunks and are never held.
 */
import { BATCH_LIMITS } from './batch.js';
import type { BatchLimits } from './batch.js';
import { BatchHeadReader } from './batch-head-reader.js';
import type { BatchHead } from './batch-head-reader.js';
import { overLimit, truncated, wrongValue } from './faults.js';
import type { Offer } from './offer.js';
import { PieceHeadReader } from './piece-head.js';
import type { PieceHead } from './piece-head.js';

export type BatchEvent =
  /** First, and once. Counts, sum and root agree with the contents; the signature has not been checked. */
  | { readonly kind: 'head'; readonly head: BatchHead }
  | ({ readonly kind: 'piece' } & PieceHead)
  /** The next bytes of the piece: a view on the chunk. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'piece-end' };

export class BatchReader {
  readonly #limits: BatchLimits;
  readonly #headReader: BatchHeadReader;
  readonly #pieceHeadReader = new PieceHeadReader();
  /** Bytes of the batch taken by the parts that are complete. */
  #offset = 0;
  /** Bytes still to come of the piece at hand; 0 between pieces. */
  #pieceLeft = 0;
  #fault: Error | undefined;

  constructor(limits: Partial<BatchLimits> = {}) {
    this.#limits = { ...BATCH_LIMITS, ...limits };
    this.#headReader = new BatchHeadReader(this.#limits);
  }

  /** Once it has been read: time to look whose it is. Whether the rest of the head agrees with it is not known yet. */
  get offer(): Offer | undefined {
    return this.#headReader.offer;
  }

  /**
   * What the chunk completes, in order, up to its end or to a fault. After a fault the batch is lost: it is thrown as soon
   * as nothing stands before it, and by every later call. So what came first is told, however the chunks are cut.
   */
  push(chunk: Uint8Array): BatchEvent[] {
    if (this.#fault !== undefined) throw this.#fault;
    const events: BatchEvent[] = [];
    try {
      for (let at = 0; at < chunk.length; ) at += this.#take(chunk, at, events);
    } catch (fault) {
      this.#fault = fault as Error;
      if (events.length === 0) throw fault;
    }
    return events;
  }

  /** At the end of the input: throws unless the batch may end there. */
  finish(): void {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#headReader.head === undefined) throw truncated('batch', this.#headReader.taken);
    if (this.#pieceLeft > 0 || this.#pieceHeadReader.held > 0) throw truncated('batch/piece', this.#offset + this.#pieceHeadReader.held);
  }

  #take(chunk: Uint8Array, at: number, events: BatchEvent[]): number {
    const { head } = this.#headReader;
    if (head === undefined) return this.#takeHead(chunk, at, events);
    return this.#pieceLeft === 0 ? this.#takePieceHead(chunk, at, events, head) : this.#takeData(chunk, at, events);
  }

  #takeHead(chunk: Uint8Array, at: number, events: BatchEvent[]): number {
    const taken = this.#headReader.take(chunk, at);
    const { head } = this.#headReader;
    if (head !== undefined) {
      this.#offset = this.#headReader.taken;
      events.push({ kind: 'head', head });
    }
    return taken;
  }

  #takePieceHead(chunk: Uint8Array, at: number, events: BatchEvent[], { records }: BatchHead): number {
    const { held } = this.#pieceHeadReader;
    const taken = this.#pieceHeadReader.take(chunk, at, this.#offset);
    const piece = this.#pieceHeadReader.head;
    if (piece === undefined) return taken;
    const record = records[piece.index];
    if (record === undefined) throw wrongValue('batch/piece/index', this.#offset, String(piece.index), `a number below ${records.length}`);
    if (piece.length === 0) throw wrongValue('batch/piece/bytes', this.#offset, 'no bytes', 'at least 1');
    if (piece.length > this.#limits.pieceBytes) throw overLimit('batch/piece/bytes', this.#offset, piece.length, this.#limits.pieceBytes, 'bytes');
    const end = piece.offset + piece.length;
    if (end > record.blobBytes) throw wrongValue('batch/piece', this.#offset, `bytes up to ${end}`, `a blob of ${record.blobBytes} bytes`);
    this.#pieceLeft = piece.length;
    this.#offset += held + taken;
    events.push({ kind: 'piece', ...piece });
    return taken;
  }

  #takeData(chunk: Uint8Array, at: number, events: BatchEvent[]): number {
    const bytes = chunk.subarray(at, at + this.#pieceLeft);
    this.#pieceLeft -= bytes.length;
    this.#offset += bytes.length;
    events.push({ kind: 'data', bytes });
    if (this.#pieceLeft === 0) events.push({ kind: 'piece-end' });
    return bytes.length;
  }
}
