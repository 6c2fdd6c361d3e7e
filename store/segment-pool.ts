/**
 * The files of a segment directory: those in use, and spares that are ready to be. A spare is a freed segment: its blocks
 * exist, so that writing into it is one flush and seldom finds the disk full. Without one a new file gets longer as it is
 * written (active-segment.ts).
 */
import { join } from 'node:path';
import { readEntryHead, ENTRY_HEADER_BYTES } from './log-entry.js';
import { asBuffer } from '../base/bytes.js';
import type { Disk, DiskFile } from './disk.js';
import { SEGMENT_HEADER_BYTES, decodeSegmentHeader } from './segment.js';
import type { SegmentHeader } from './segment.js';

export interface PoolOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly segmentBytes: number;
  /** Freed segments kept for use again. */
  readonly spareSegments: number;
}

export interface FoundSegment {
  readonly name: string;
  readonly header: SegmentHeader;
}

const NAME = /^[0-9a-f]{8}\.seg$/;

export class SegmentPool {
  readonly #options: PoolOptions;
  readonly #spares: string[] = [];
  #nextNumber = 1;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Sorts what is in the directory into segments (by age), spares, and names of files that hold entries under a header that is lost. */
  async find(): Promise<{ segments: FoundSegment[]; headless: string[] }> {
    const { disk, dir } = this.#options;
    await disk.makeDir(dir);
    const segments: FoundSegment[] = [];
    const headless: string[] = [];
    for (const name of (await disk.list(dir)).filter((found) => NAME.test(found))) {
      this.#nextNumber = Math.max(this.#nextNumber, Number.parseInt(name, 16) + 1);
      const file = await disk.open(this.path(name), 'read');
      try {
        const start = await file.read(0, SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES);
        const header = decodeSegmentHeader(start);
        if (header !== undefined) segments.push({ name, header });
        else if (holdsEntry(start)) headless.push(name);
        else if ((await file.size()) === this.#options.segmentBytes) this.#spares.push(name);
        else await disk.unlink(this.path(name));
      } finally {
        await file.close();
      }
    }
    segments.sort((a, b) => a.header.sequence - b.header.sequence);
    return { segments, headless };
  }

  path(name: string): string {
    return join(this.#options.dir, name);
  }

  get spares(): number {
    return this.#spares.length;
  }

  /** A file to begin a segment in, its name durable. */
  async take(): Promise<{ name: string; file: DiskFile }> {
    const { disk, dir } = this.#options;
    const spare = this.#spares.shift();
    const name = spare ?? this.#newName();
    const file = await disk.open(this.path(name), 'durable');
    if (spare === undefined) await disk.syncDir(dir);
    return { name, file };
  }

  /** Takes back the file of a segment in which nothing lives. */
  async give(name: string): Promise<void> {
    if (this.#spares.length < this.#options.spareSegments) this.#spares.push(name);
    else await this.#options.disk.unlink(this.path(name));
  }

  #newName(): string {
    return `${(this.#nextNumber++).toString(16).padStart(8, '0')}.seg`;
  }
}

function holdsEntry(start: Uint8Array): boolean {
  if (start.length < SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES) return false;
  const bytes = asBuffer(start);
  return readEntryHead(bytes, SEGMENT_HEADER_BYTES, bytes.readUInt32BE(SEGMENT_HEADER_BYTES + 8)) !== undefined;
}
