/**
 * Reading entries of the log, and noticing who reads on: what was put into the store together is taken out of it together, and
 * lies side by side, so one read of a stretch does the work of hundreds. A reader that jumps about costs what it did.
 */
import { asBuffer, plainBytes } from '../base/bytes.js';
import { ENTRY_HEADER_BYTES, payloadIsWhole, readEntryHead } from './log-entry.js';
import type { OpenFiles } from './open-files.js';
import { generationOf } from './segment.js';

/** What is fetched beyond what was asked for doubles from the first of these to the second while a reader reads on. */
const LEAST_AHEAD_BYTES = 32 * 1024;
const MOST_AHEAD_BYTES = 256 * 1024;
/** So far from where a read ended the next one still belongs to it: from record to record over the blobs between. */
const NEAR_BYTES = 64 * 1024;
/** A megabyte at most, for as many readers at once. */
const MOST_STRETCHES = 4;
const MOST_TRAILS = 8;

export interface EntryRange {
  /** Of the segment's file. */
  readonly path: string;
  readonly sequence: number;
  readonly offset: number;
  readonly payloadBytes: number;
  /** Behind the last entry of the segment. */
  readonly endOffset: number;
}

/** Bytes of a segment that have been fetched, or are being fetched. */
interface Stretch {
  readonly sequence: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Undefined where the medium does not give them. */
  readonly coming: Promise<Uint8Array | undefined>;
  bytes?: Uint8Array | undefined;
}

/** How far a reader has come. */
interface Trail {
  readonly sequence: number;
  readonly endOffset: number;
  readonly aheadBytes: number;
}

export class ReadAhead {
  readonly #files: OpenFiles;
  #stretches: Stretch[] = [];
  #trails: Trail[] = [];

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  /** Undefined where no whole entry of this segment stands there. */
  async payload(range: EntryRange): Promise<Uint8Array | undefined> {
    const stretch = this.#stretchOf(range) ?? this.#fetch(range);
    if (stretch !== undefined) {
      const bytes = stretch.bytes ?? (await stretch.coming);
      const entry = bytes?.subarray(range.offset - stretch.startOffset, endOf(range) - stretch.startOffset);
      const payload = entry === undefined ? undefined : wholePayload(entry, range);
      if (payload !== undefined) return payload;
      // It may have been written since, or be readable by itself.
    }
    const file = await this.#files.get(range.path);
    return wholePayload(await file.read(range.offset, endOf(range) - range.offset), range);
  }

  #stretchOf(range: EntryRange): Stretch | undefined {
    return this.#stretches.find(({ sequence, startOffset, endOffset }) => sequence === range.sequence && startOffset <= range.offset && endOf(range) <= endOffset);
  }

  /** Begins to fetch what was asked for and what follows it; undefined where nobody is reading on. */
  #fetch(range: EntryRange): Stretch | undefined {
    const startOffset = range.offset;
    const aheadBytes = this.#follow(range);
    const endOffset = Math.min(range.endOffset, endOf(range) + aheadBytes);
    if (endOffset <= endOf(range)) return undefined;
    const coming = this.#files.get(range.path).then((file) => file.read(startOffset, endOffset - startOffset));
    const stretch: Stretch = { sequence: range.sequence, startOffset, endOffset, coming: coming.catch(() => undefined) };
    this.#stretches = [...this.#stretches.slice(1 - MOST_STRETCHES), stretch];
    void stretch.coming.then((bytes) => (stretch.bytes = bytes));
    return stretch;
  }

  /** How much of what follows is worth fetching along. */
  #follow(range: EntryRange): number {
    const known = this.#trails.find(({ sequence, endOffset }) => sequence === range.sequence && Math.abs(range.offset - endOffset) <= NEAR_BYTES);
    const aheadBytes = known === undefined ? 0 : Math.min(MOST_AHEAD_BYTES, Math.max(LEAST_AHEAD_BYTES, 2 * known.aheadBytes));
    const trail = { sequence: range.sequence, endOffset: endOf(range) + aheadBytes, aheadBytes };
    this.#trails = [...this.#trails.filter((one) => one !== known).slice(1 - MOST_TRAILS), trail];
    return aheadBytes;
  }
}

function endOf({ offset, payloadBytes }: EntryRange): number {
  return offset + ENTRY_HEADER_BYTES + payloadBytes;
}

function wholePayload(entry: Uint8Array, { sequence }: EntryRange): Uint8Array | undefined {
  const bytes = asBuffer(entry);
  const head = readEntryHead(bytes, 0, generationOf(sequence));
  const payload = bytes.subarray(ENTRY_HEADER_BYTES);
  return head !== undefined && payloadIsWhole(head, payload) ? plainBytes(payload) : undefined;
}
