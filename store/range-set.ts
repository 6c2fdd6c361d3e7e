/** Which bytes of a blob are there: half-open ranges, sorted, disjoint, not touching. */
import type { Range } from './store.js';

export class RangeSet {
  #ranges: Range[] = [];

  constructor(ranges: readonly Range[] = []) {
    for (const range of ranges) this.add(range.startByte, range.endByte);
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  add(startByte: number, endByte: number): void {
    if (startByte >= endByte) return;
    const before = this.#ranges.filter((range) => range.endByte < startByte);
    const behind = this.#ranges.filter((range) => range.startByte > endByte);
    const touched = this.#ranges.slice(before.length, this.#ranges.length - behind.length);
    const start = Math.min(startByte, touched[0]?.startByte ?? startByte);
    const end = Math.max(endByte, touched.at(-1)?.endByte ?? endByte);
    this.#ranges = [...before, { startByte: start, endByte: end }, ...behind];
  }

  /** What is not there of the bytes from `startByte` to `endByte`. */
  missing(startByte: number, endByte: number): Range[] {
    const missing: Range[] = [];
    let from = startByte;
    for (const range of this.#ranges) {
      if (range.endByte <= from) continue;
      if (range.startByte >= endByte) break;
      if (range.startByte > from) missing.push({ startByte: from, endByte: range.startByte });
      from = range.endByte;
    }
    if (from < endByte) missing.push({ startByte: from, endByte });
    return missing;
  }
}
