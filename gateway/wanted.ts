/**
 * Ranges of large blobs that a neighbour is waiting for. Kept in memory only: after a restart the record's
 * timer offers it again, and the neighbour says anew what it lacks.
 */
import { fromHex, toHex } from '../base/bytes.js';

/** What a neighbour lacks of a blob on its way to it. */
export interface WantedBlob {
  readonly rid: Uint8Array;
  readonly ranges: readonly Span[];
  readonly blobBytes: number;
}

type Span = readonly [startByte: number, endByte: number];

/** A neighbour that has been sent a blob so often since it was offered, and wants it still, waits for the next offer. */
const MOST_TIMES_SENT = 3;
/** Blobs whose sent bytes are counted: many more than travel at once. */
const COUNTED = 4096;

export class WantedRanges {
  readonly #pending = new Map<string, Span[]>();
  /** Bytes handed out since the last offer, the latest counted last. */
  readonly #sentBytes = new Map<string, number>();

  has(rid: Uint8Array): boolean {
    return this.#pending.has(toHex(rid));
  }

  rids(): Uint8Array[] {
    return [...this.#pending.keys()].map((key) => fromHex(key) as Uint8Array);
  }

  /** The neighbour's newest word on what it lacks replaces what we thought, unless it wants the blob again and again. */
  want(rid: Uint8Array, ranges: readonly Span[], blobBytes: number): void {
    const key = toHex(rid);
    if (ranges.length > 0 && (this.#sentBytes.get(key) ?? 0) < MOST_TIMES_SENT * blobBytes) this.#pending.set(key, [...ranges]);
  }

  /** The record is offered anew, on its timer: from here on its bytes are counted afresh. */
  offered(rid: Uint8Array): void {
    this.#sentBytes.delete(toHex(rid));
  }

  forget(rid: Uint8Array): void {
    this.#pending.delete(toHex(rid));
  }

  /** Nothing left to take: everything asked for is on its way or there. */
  isEmpty(rid: Uint8Array): boolean {
    return this.#pending.get(toHex(rid))?.length === 0;
  }

  /** Takes pieces of at most `pieceBytes`, as many as fit `roomBytes` together with `headBytes` each. */
  take(rid: Uint8Array, roomBytes: number, pieceBytes: number, headBytes: number): Span[] {
    const pending = this.#pending.get(toHex(rid)) ?? [];
    const taken: Span[] = [];
    let leftBytes = roomBytes;
    for (let next = pending[0]; next !== undefined && leftBytes > headBytes; next = pending[0]) {
      const [start, end] = next;
      const stop = Math.min(end, start + Math.min(pieceBytes, leftBytes - headBytes));
      taken.push([start, stop]);
      leftBytes -= headBytes + (stop - start);
      if (stop === end) pending.shift();
      else pending[0] = [stop, end];
    }
    this.#count(toHex(rid), bytesIn(taken));
    return taken;
  }

  /** Puts back what was taken and did not arrive. */
  giveBack(rid: Uint8Array, ranges: readonly Span[]): void {
    const pending = this.#pending.get(toHex(rid));
    this.#count(toHex(rid), -bytesIn(ranges));
    if (pending === undefined) return;
    pending.push(...ranges);
    pending.sort((a, b) => a[0] - b[0]);
  }

  #count(key: string, bytes: number): void {
    const sentBytes = (this.#sentBytes.get(key) ?? 0) + bytes;
    this.#sentBytes.delete(key);
    if (sentBytes > 0) this.#sentBytes.set(key, sentBytes);
    const [oldest] = this.#sentBytes.keys();
    if (oldest !== undefined && this.#sentBytes.size > COUNTED) this.#sentBytes.delete(oldest);
  }
}

function bytesIn(spans: readonly Span[]): number {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}
