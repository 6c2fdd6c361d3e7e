/**
 * Ranges of large blobs that a neighbour is waiting for. Kept in memory only: after a restart the record's
 * timer offers it again, and the neighbour says anew what it lacks.
 */
import { fromHex, toHex } from '../base/bytes.js';

type Span = readonly [startByte: number, endByte: number];

export class WantedRanges {
  readonly #pending = new Map<string, Span[]>();

  has(rid: Uint8Array): boolean {
    return this.#pending.has(toHex(rid));
  }

  rids(): Uint8Array[] {
    return [...this.#pending.keys()].map((key) => fromHex(key) as Uint8Array);
  }

  /** The neighbour's newest word on what it lacks replaces what we thought. */
  want(rid: Uint8Array, ranges: readonly Span[]): void {
    if (ranges.length > 0) this.#pending.set(toHex(rid), [...ranges]);
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
    return taken;
  }

  /** Puts back what was taken and did not arrive. */
  giveBack(rid: Uint8Array, ranges: readonly Span[]): void {
    const pending = this.#pending.get(toHex(rid));
    if (pending === undefined) return;
    pending.push(...ranges);
    pending.sort((a, b) => a[0] - b[0]);
  }
}
