/** The content of a file on a stick: batches one after another, each behind its length (spec/stick.md). */
import { asBuffer, concatBytes } from '../base/bytes.js';
import { truncated, wrongValue } from './faults.js';

export const FRAME_HEAD_BYTES = 8;

export function encodeFrameHead(batchBytes: number): Uint8Array {
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  asBuffer(head).writeBigUInt64BE(BigInt(batchBytes));
  return head;
}

/** What the next bytes of the content are: the beginning of a batch, some of it, its end. */
export type FrameEvent = { readonly kind: 'begin' } | { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'end' };

export class FrameReader {
  #head: Uint8Array = new Uint8Array(0);
  /** Bytes to come of the batch at hand; undefined between batches. */
  #left: number | undefined;
  #offset = 0;

  /** What the chunk holds, in order. Data are views on it. */
  push(chunk: Uint8Array): FrameEvent[] {
    const events: FrameEvent[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === undefined) {
        const taken = chunk.subarray(at, at + FRAME_HEAD_BYTES - this.#head.length);
        this.#head = concatBytes(this.#head, taken);
        at += taken.length;
        if (this.#head.length === FRAME_HEAD_BYTES) events.push(this.#begin());
        continue;
      }
      const bytes = chunk.subarray(at, at + this.#left);
      events.push({ kind: 'data', bytes });
      at += bytes.length;
      this.#left -= bytes.length;
      if (this.#left === 0) events.push(this.#end());
    }
    this.#offset += chunk.length;
    return events;
  }

  /** At the end of the content. */
  finish(): void {
    if (this.#left !== undefined || this.#head.length > 0) throw truncated('stick/batch', this.#offset);
  }

  #begin(): FrameEvent {
    const bytes = asBuffer(this.#head).readBigUInt64BE();
    if (bytes === 0n || bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw wrongValue('stick/batch', this.#offset, `a batch of ${bytes} bytes`, 'at least 1, and below 2^53');
    this.#left = Number(bytes);
    this.#head = new Uint8Array(0);
    return { kind: 'begin' };
  }

  #end(): FrameEvent {
    this.#left = undefined;
    return { kind: 'end' };
  }
}
