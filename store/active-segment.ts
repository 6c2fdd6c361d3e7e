/**
 * The segment that is written to, from where the last group ended. A group is one write that waits for the disk. Where it makes the file longer the disk
 * has to be waited for twice, once for the bytes and once for the length; so a file is lengthened with zeros ahead of what is written.
 */
import assert from 'node:assert';
import { isDiskFull } from './disk.js';
import type { DiskFile } from './disk.js';
import { writeEntry } from './log-entry.js';
import type { LogItem } from './log-entry.js';
import { positionOf } from './position.js';
import type { Position } from './position.js';
import { SEGMENT_HEADER_BYTES, encodeSegmentHeader, generationOf } from './segment.js';
import type { Segment } from './segment.js';
import { storeFault } from './store-errors.js';

/** Items that become durable together. */
export interface ItemGroup {
  readonly items: readonly LogItem[];
  /** What they take in the log. */
  readonly bytes: number;
}

export interface ActiveOptions {
  /** Of the store, for what is said of its faults. */
  readonly dir: string;
  readonly segmentBytes: number;
  /** The file gets as much longer as it is, from a few blocks up to this, so that a store of a few messages stays small. 0: as long as what is written. */
  readonly aheadBytes: number;
}

const LEAST_AHEAD_BYTES = 64 * 1024;
const ZEROS = new Uint8Array(1 << 20);

export class ActiveSegment {
  readonly segment: Segment;
  readonly #file: DiskFile;
  readonly #options: ActiveOptions;
  /** Up to here the blocks of the file exist. */
  #lengthBytes: number;
  #aheadBytes: number;
  /** Its header goes out with its first group, so that beginning a segment costs no flush of its own. */
  #isFresh: boolean;

  private constructor(segment: Segment, file: DiskFile, lengthBytes: number, isFresh: boolean, options: ActiveOptions) {
    this.segment = segment;
    this.#file = file;
    this.#options = options;
    this.#lengthBytes = lengthBytes;
    this.#aheadBytes = options.aheadBytes;
    this.#isFresh = isFresh;
  }

  /** Begins a segment in this file. */
  static async begin(segment: Segment, file: DiskFile, options: ActiveOptions): Promise<ActiveSegment> {
    return new ActiveSegment(segment, file, await file.size(), true, options);
  }

  /**
   * Goes on in one that was found, from the end of its last whole group on.
   * @param torn something of a later write lies behind it
   */
  static async resume(segment: Segment, file: DiskFile, lastGroupOffset: number, torn: boolean, options: ActiveOptions): Promise<ActiveSegment> {
    const { endOffset } = segment;
    if (torn) await wipe(file, endOffset, await file.size());
    // After a kill, what was read may be in the memory of the machine only. Only the last group can be: write it again.
    const startOffset = lastGroupOffset === SEGMENT_HEADER_BYTES ? 0 : lastGroupOffset;
    await file.write(startOffset, await file.read(startOffset, endOffset - startOffset));
    return new ActiveSegment(segment, file, await file.size(), false, options);
  }

  fits(bytes: number): boolean {
    return this.segment.endOffset + bytes <= this.#options.segmentBytes;
  }

  /**
   * Writes as many first units of the group as fit, as one durable write. Returns where the items of each of them stand.
   * @param bufferOf memory for what is written
   */
  async write(group: readonly ItemGroup[], bufferOf: (bytes: number) => Buffer): Promise<readonly (readonly Position[])[]> {
    const { segment } = this;
    const { sequence } = segment.header;
    const groupStart = segment.endOffset;
    const writeStart = this.#isFresh ? 0 : groupStart;
    const count = this.#countOf(group);
    assert(count > 0, 'a unit larger than a segment');
    let bytes = groupStart - writeStart;
    for (let i = 0; i < count; i += 1) bytes += group[i]!.bytes;
    const buffer = bufferOf(bytes);
    if (this.#isFresh) buffer.set(encodeSegmentHeader(segment.header), 0);
    const place = { generation: generationOf(sequence), groupStart };
    let at = groupStart - writeStart;
    const positions: Position[][] = [];
    for (let i = 0; i < count; i += 1) {
      positions.push(
        group[i]!.items.map((item) => {
          const position = positionOf(sequence, writeStart + at);
          at = writeEntry(buffer, at, place, item);
          return position;
        }),
      );
    }
    await this.#lengthen(writeStart, writeStart + at);
    try {
      await this.#file.write(writeStart, buffer.subarray(0, at));
    } catch (error) {
      if (isDiskFull(error)) await this.#takeBack(writeStart, writeStart + at);
      throw error;
    }
    segment.endOffset = writeStart + at;
    this.#isFresh = false;
    return positions;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #countOf(group: readonly ItemGroup[]): number {
    let count = 0;
    let bytes = 0;
    while (count < group.length && this.fits(bytes + group[count]!.bytes)) bytes += group[count++]!.bytes;
    return count;
  }

  /** Sees to it that the blocks of a write exist, and some behind them. Where there is no room for those, the write may still find enough. */
  async #lengthen(writeStart: number, writeEnd: number): Promise<void> {
    if (this.#aheadBytes === 0 || writeEnd <= this.#lengthBytes) return;
    const aheadBytes = Math.min(this.#aheadBytes, Math.max(LEAST_AHEAD_BYTES, writeEnd));
    const endOffset = Math.min(this.#options.segmentBytes, writeEnd + aheadBytes);
    try {
      await wipe(this.#file, Math.max(this.#lengthBytes, writeStart), endOffset);
      this.#lengthBytes = endOffset;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#aheadBytes = 0;
    }
  }

  /** What came through of a failed write must not be there when a later group stands in front of it. */
  async #takeBack(startOffset: number, endOffset: number): Promise<void> {
    try {
      await wipe(this.#file, startOffset, Math.min(endOffset, await this.#file.size()));
    } catch (error) {
      throw storeFault(this.#options.dir, error);
    }
  }
}

async function wipe(file: DiskFile, startOffset: number, endOffset: number): Promise<void> {
  for (let offset = startOffset; offset < endOffset; offset += ZEROS.length) {
    await file.write(offset, ZEROS.subarray(0, Math.min(ZEROS.length, endOffset - offset)));
  }
}
